"""The command `weights`: every file of other people's weights there is a use for, present or missing, what it changes,
and the fetching of those that are asked for."""

import sys
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import tyro

from bench.methods.weights.published import ALTERNATIVES, FILES, OF_CHOICE, OF_METHOD
from vision.weights import RELEASE_FILES, MisfitWeights, WeightFile, hash_of, is_present, locate

ROOT = Path(__file__).parents[3]


def main(
    *,
    weights: Path = ROOT / "weights" / "external",
    fetch: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="[NAME ...]")] = None,
    mirror: str = "",
) -> None:
    """Show which published weight files are present, and what changes where one is; fetch those that are asked for.

    Nothing is fetched without --fetch. The licence of each file stands before its download.

    Args:
        weights: the folder of weight files, as `weights` in the configuration.
        fetch: files, rows (zhang2016), choices (vgg19, raft, inception), lpips, or release, the paper's published
            model; without a name all that are missing, but one only of those that stand for each other.
        mirror: address of a folder that holds the files under their own names, such as a cluster's own copy.
    """
    if fetch is not None:
        return fetch_files(files_called(fetch, weights), weights, mirror, asked=bool(fetch))
    present = [file for file in FILES if is_present(file, weights)]
    print(f"{len(present)} of {len(FILES)} files are present. Missing ones are to be put into {weights}.")
    print("`python -m bench weights --fetch NAME` fetches one, `--fetch` alone all that need no person.\n")
    for file in FILES:
        print("\n".join(lines_about(file, weights)), end="\n\n")


def fetch_files(files: list[WeightFile], weights: Path, mirror: str, asked: bool) -> None:
    """Fetch one after the other, whatever becomes of the others. Ends the program with what is still missing.

    asked: the files were named, so that one which only a person can get is missing, too.
    """
    from media.fetching import CannotFetch
    from vision.supply import supply, together

    missing = []
    for group in together(files):
        try:
            supply(group, weights, mirror)
        except CannotFetch as error:
            print(f"NOT fetched: {error}\n", flush=True)
            by_hand = group[0].by_hand and not mirror
            missing += [file.name for file in group if asked or not by_hand]
        else:
            print("".join(f"{file.name}: {state_of(file, weights)}\n" for file in group), flush=True)
    if missing:
        sys.exit(f"error: still missing: {', '.join(missing)}; what to do stands above")


def files_called(names: tuple[str, ...], weights: Path) -> list[WeightFile]:
    """The files that names stand for; without a name those missing. Ends the program at a name that is unknown."""
    if not names:
        present = {file for files in ALTERNATIVES if any(is_present(file, weights) for file in files) for file in files}
        spare = {file for files in ALTERNATIVES for file in files[1:]}
        return [file for file in FILES if not is_present(file, weights) and file not in present | spare]
    known = {file.name: (file,) for file in FILES} | {choice: (file,) for choice, file in OF_CHOICE.items()}
    known |= {"lpips": known["alexnet-owt-7be5be79.pth"], "release": RELEASE_FILES}
    known |= {name: files[:1] for name, files in OF_METHOD.items()}
    known["ptlflow:flownet2"] = ALTERNATIVES[-1][:1]
    for name in names:
        if name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0)[0]
            sys.exit(f"error: no weight file is called {name!r}; did you mean {nearest}? There are: {', '.join(known)}")
    return list(dict.fromkeys(file for name in names for file in known[name]))


def lines_about(file: WeightFile, weights: Path) -> Iterator[str]:
    """The lines about one file."""
    yield f"{file.name}: {state_of(file, weights)}"
    yield f"    changes  {file.changes}"
    yield f"    licence  {file.licence}"
    yield f"    size     {file.size}{published_hash(file)}"
    yield f"    from     {file.origin}"
    if file.by_hand:
        yield f"    by hand  {file.by_hand}"


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
