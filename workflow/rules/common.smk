# What the rules share: the plan, which knows the rest (plan/), and what every job is told.
import hashlib
import re
import sys
from pathlib import Path
from shlex import quote

from snakemake.logging import logger

from plan.command_line import as_flags, as_json, folder_of_items
from plan.errors import ConfigError
from plan.pipeline import Plan
from plan.targets import asked_for, wrong_target
from plan.versions import version_of


def stop(said):
    """End the run before it starts, with a message and no traceback: what is wrong is not in the code."""
    logger.error(said)
    sys.exit(1)


ROOT = Path(workflow.basedir)
try:
    PLAN = Plan(config, ROOT)
except ConfigError as error:
    stop(str(error))
SETS, WEIGHTS = PLAN.sets, str(ROOT / PLAN.config["weights"])
config.update(PLAN.config)


def flags(wildcards, input):
    """A job's named inputs as the flags of its command."""
    return as_flags(input.items())


def stop_at_wrong_targets():
    """Called when all rules are known."""
    if said := wrong_target(asked_for(sys.argv), workflow.rules, PLAN.wildcards):
        stop(said)


# What was configured goes to every job for its sidecar (media/provenance.py), and is a parameter of none: a key that a
# job does not read makes nothing again. The rest is Snakemake's own prefix, which this one would replace.
CONFIG_HASH = hashlib.sha256(as_json(config).encode()).hexdigest()
# glibc gives large tensors back to the system after each use; kept, they cost a job up to a fifth less time.
MALLOC = " ".join(f"MALLOC_{what}_THRESHOLD_={2**30}" for what in ("MMAP", "TRIM"))
shell.prefix(f"set -euo pipefail; export HUEBENCH_CONFIG_HASH={CONFIG_HASH} {MALLOC}; ")


wildcard_constraints:
    **{name: "|".join(map(re.escape, known)) or "-" for name, known in PLAN.wildcards.items()},
    shard=r"\d+",
    rank=r"\d+",
    estimator=r"[\w:.-]+",
