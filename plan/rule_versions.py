"""The versions of the stages and methods, as rules have them among their params: another one reruns the rule's jobs."""

from pathlib import Path

from media import versions
from plan.errors import ConfigError


def version_of(path: str | Path) -> str:
    """The version of a module, such as `prep.clips 4`.

    With its name, because Snakemake compares params without theirs: 1 and 2 becoming 2 and 1 would be no change.
    Raises ConfigError for a module or a lock that cannot be read.
    """
    module = ".".join(Path(path).with_suffix("").parts)
    try:
        return f"{module} {versions.version_of(module)}"
    except ValueError as error:
        raise ConfigError(str(error)) from error
