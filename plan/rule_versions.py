"""The versions of the stages and methods, as rules have them among their params: another one reruns the rule's jobs."""

from pathlib import Path

from media import versions


def version_of(path: str | Path) -> str:
    """The version of a module, such as `prep.clips 4`.

    With its name, because Snakemake compares params without theirs: 1 and 2 becoming 2 and 1 would be no change.
    """
    module = ".".join(Path(path).with_suffix("").parts)
    return f"{module} {versions.version_of(module)}"
