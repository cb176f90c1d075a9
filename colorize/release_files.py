"""The files of the published model: which of them a folder has, and what the model is. Known without torch, which takes
seconds."""

import re
from pathlib import Path

from vision.weights import VGG19_FEATURES, MissingWeights, hash_of

RELEASE = "https://github.com/zhangmozhe/Deep-Exemplar-based-Video-Colorization"
RELEASE_NAME = "release"  # what a configuration calls the published files in the folder of weights
RELEASE_STEMS = "nonlocal_net_iter", "colornet_iter"  # of the correspondence and the colorization
FETCH = "`python -m bench weights --fetch release`"


def model_at(named: str, root: Path, weights_dir: Path) -> Path:
    """Where the model lies that a configuration names: `release`, or a path that counts from `root`."""
    return weights_dir if named == RELEASE_NAME else root / named


def kind_named(named: str) -> str:
    """What a configuration means by a path that leads nowhere: a `file` if it has a file's ending, or a `folder`."""
    return "file" if Path(named).suffix and not named.endswith("/") else "folder"


def release_paths(folder: Path, weights_dir: Path) -> list[Path]:
    """The files of the published model: correspondence, colorization, VGG19. Raises MissingWeights."""
    return [*newest_pair(folder, weights_dir), release_vgg19(folder, weights_dir)]


def release_contents(folder: Path, weights_dir: Path) -> dict[str, str]:
    """The SHA-256 of each of these files by its name. Raises MissingWeights."""
    return {file.name: hash_of(file) for file in release_paths(folder, weights_dir)}


def release_metadata(folder: Path) -> dict:
    """What a checkpoint of this project would say of the published model. Raises MissingWeights."""
    networks = [path.name for path in newest_pair(folder)]
    return {"backbone": "vgg19", "protocol": "release", "width": 1.0, "published": networks}


def newest_pair(folder: Path, weights_dir: Path | None = None) -> list[Path]:
    """The correspondence and the colorization of one training: of the highest number that both have.

    Raises MissingWeights; `weights_dir` is where missing files would be fetched to.
    """
    numbered = {stem: _numbered(folder, stem) for stem in RELEASE_STEMS}
    fetch = f"{FETCH} fetches the published two. They come" if folder == weights_dir else "They come"
    whence = f"{fetch} from: {RELEASE} (checkpoints/video_moredata_l1/ of its release, of the number 76000)"
    for stem, paths in numbered.items():
        if not paths:
            raise MissingWeights(f"weight file {stem}_<iteration>.pth is missing in {folder}. {whence}")
    both = set.intersection(*map(set, numbered.values()))
    if not both:
        there = " and ".join(paths[max(paths)].name for paths in numbered.values())
        raise MissingWeights(
            f"{folder} has {there}, which are not of one training; expected two files of the same number. {whence}"
        )
    return [paths[max(both)] for paths in numbered.values()]


def _numbered(folder: Path, stem: str) -> dict[int, Path]:
    """The files `<stem>_<number>.pth` by their numbers."""
    named = {path: re.fullmatch(rf"{stem}_(\d+)\.pth", path.name) for path in folder.glob(f"{stem}_*.pth")}
    return {int(match.group(1)): path for path, match in named.items() if match}


def release_vgg19(folder: Path, weights_dir: Path) -> Path:
    """vgg19_conv.pth in one of the two folders. Raises MissingWeights."""
    for path in (folder / VGG19_FEATURES.name, weights_dir / VGG19_FEATURES.name):
        if path.exists():
            return path
    raise MissingWeights(
        f"weight file {VGG19_FEATURES.name} is missing; put it in {folder} or {weights_dir} ({FETCH} does). "
        f"It comes from: {VGG19_FEATURES.origin}"
    )
