# huebench: from raw clips and photographs to the tables of the paper. Declarations only; see README.md.
from snakemake.utils import min_version

min_version("9.12")


configfile: f"{workflow.basedir}/config/config.yaml"


include: "workflow/rules/common.smk"


# Only with `--sdm apptainer`; the rules otherwise run in the environment that Snakemake itself runs in.
container: "docker://python:3.11"


pathvars:
    results="results",
    logs="logs",


include: "workflow/rules/prep.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/bench.smk"


rule all:
    default_target: True
    input:
        "<results>/table1.csv",
        "<results>/propagation.csv",
        "<results>/figure7.csv",
