# What the rules share: the plan, which knows the rest (plan/), and what every job is told.
import atexit
import sys
from contextlib import chdir
from pathlib import Path
from shlex import quote

from snakemake.logging import logger

from plan import rule_versions
from plan.asking import Asking
from plan.command_line import as_flags, as_json, folder_of_items, folder_of_shards, gathered, one_of
from plan.deciding import config_hash, deciding, execution, here
from plan.errors import ConfigError, or_else
from plan.pipeline import Plan
from plan.reading import check_files
from plan.targets import asked_for, wrong_target


def stop(said):
    """End the run before it starts if there is something to say against it, without a traceback: it is not the code."""
    if said:
        logger.error(said)
        sys.exit(1)


ROOT = Path(workflow.basedir)
try:
    check_files(workflow.configfiles)
    PLAN = Plan(config, ROOT)
except ConfigError as error:
    stop(str(error))
SETS, WEIGHTS = PLAN.sets, here(ROOT, PLAN.config["weights"])
config.update(PLAN.config)
asked = Asking(PLAN).of
# What may be found wrong only when a job is planned is said in the same way.
content_of_checkpoint = or_else(stop, PLAN.content_of_checkpoint)
shards_of, shard_tables = or_else(stop, SETS.shards_of), or_else(stop, SETS.shard_tables)
searches_of, searched = or_else(stop, SETS.searches_of), or_else(stop, SETS.searched)
references_from = or_else(stop, SETS.references_from)
version_of = or_else(stop, rule_versions.version_of)
# A job's named inputs as the flags of its command.
flags = lambda wildcards, input: as_flags(input.items())
# Those of a job that gathers shards: of many tables their folder and their number.
flags_of_gathering = lambda wildcards, input: as_flags(gathered(input.items()))


def flags_of_row(wildcards, input):
    """The same of a job that colours, with the checkpoint file that its row names."""
    return as_flags([*input.items(), *PLAN.named_checkpoint(wildcards.row).items()])


def missing():
    """What the planned jobs need that is not there; empty where all is."""
    from plan.check import before_run  # which none of the jobs has to import

    jobs = workflow.dag.needrun_jobs(exclude_finished=False)
    return before_run(PLAN, [(job.rule.name, job.wildcards_dict) for job in jobs], logger.warning)


@atexit.register
def after_dry_run(folder=Path.cwd()):
    """A dry run shows what would be made of data that are not there yet, and at its end says that they are not."""
    if workflow.dryrun and workflow.dag:
        with chdir(folder):  # Snakemake has left it
            if said := missing():
                print(f"warning: this run would not start. {said}", file=sys.stderr)


# What decides numbers goes to every job for its sidecar (media/provenance.py), and is a parameter of none: a key that a
# job does not read makes nothing again. Large tensors that glibc keeps instead of giving back cost up to a fifth less.
MALLOC = " ".join(f"MALLOC_{what}_THRESHOLD_={2**30}" for what in ("MMAP", "TRIM"))
shell.prefix(f"set -euo pipefail; export HUEBENCH_CONFIG_HASH={config_hash(config)} {MALLOC}; ")


wildcard_constraints:
    **{name: one_of(known) for name, known in PLAN.wildcards.items()},
    shard=r"\d+",
    rank=r"\d+",
    estimator=r"[\w:.-]+",
