# huebench: from raw clips and photographs to the tables of the paper. Declarations only; see README.md.
from snakemake.utils import min_version

min_version("9.17")


configfile: f"{workflow.basedir}/config/config.yaml"


include: "workflow/rules/common.smk"


pathvars:
    results="results",
    logs="logs",


include: "workflow/rules/prep.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/bench.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "<results>/table1.csv",
        "<results>/propagation.csv",
        "<results>/table5.csv",
        "<results>/seconds.csv",
        "<results>/figure3",
        "<results>/figure4",
        "<results>/figure5",
        "<results>/figure6",
        "<results>/figure7.svg",
        "<results>/figure9",
        "<results>/figure10",
        expand("<results>/figure{number}", number=[*MULTIMODAL, *SHOWN_FIGURES]),
        "<results>/report",


onstart:
    stop(missing())


stop(wrong_target(asked_for(sys.argv), workflow.rules, PLAN.wildcards))
