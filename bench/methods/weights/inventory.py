"""The command `weights`: every file of other people's weights there is a use for, present or missing, and what it
changes."""

from collections.abc import Iterator
from pathlib import Path

from bench.methods.weights.published import FILES
from vision.weights import MisfitWeights, WeightFile, hash_of, is_present, locate

ROOT = Path(__file__).parents[3]


def main(*, weights: Path = ROOT / "weights" / "external") -> None:
    """Show which published weight files are present, and what changes where one is. Nothing is downloaded.

    Args:
        weights: the folder of weight files, as `weights` in the configuration.
    """
    present = [file for file in FILES if is_present(file, weights)]
    print(f"{len(present)} of {len(FILES)} files are present. Missing ones are to be put into {weights}.\n")
    for file in FILES:
        print("\n".join(lines_about(file, weights)), end="\n\n")


def lines_about(file: WeightFile, weights: Path) -> Iterator[str]:
    """The lines about one file."""
    yield f"{file.name}: {state_of(file, weights)}"
    yield f"    changes  {file.changes}"
    yield f"    licence  {file.licence}"
    yield f"    size     {file.size}{published_hash(file)}"
    yield f"    from     {file.origin}"


def state_of(file: WeightFile, weights: Path) -> str:
    """Present or missing; of a present file also whether it is the published one, as far as that is known."""
    if not is_present(file, weights):
        return "missing"
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `locate` warns of what is said here
        try:
            path = locate(file, weights)
        except MisfitWeights as error:
            return f"present, but no weight file: {error}"
    for algorithm, published in (("sha256", file.sha256), ("md5", file.md5)):
        if published:
            digest = hash_of(path, algorithm)
            known = "as published" if digest.startswith(published) else f"NOT the published file: {algorithm} {digest}"
            return f"present, {known}"
    return f"present, sha256 {hash_of(path)} (none is published to compare it with)"


def published_hash(file: WeightFile) -> str:
    """The hash that the authors published, for the line about the size; a sha256 may be its first digits."""
    if file.md5:
        return f", md5 {file.md5}"
    return f", sha256 {file.sha256}{'...' if len(file.sha256) < 64 else ''}" if file.sha256 else ""
