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


def release_paths(folder: Path, weights_dir: Path) -> list[Path]:
    """The files of the published model: correspondence, colorization, VGG19. Raises MissingWeights."""
    return [*(newest(folder, stem) for stem in RELEASE_STEMS), release_vgg19(folder, weights_dir)]


def release_contents(folder: Path, weights_dir: Path) -> dict[str, str]:
    """The SHA-256 of each of these files by its name. Raises MissingWeights."""
    return {file.name: hash_of(file) for file in release_paths(folder, weights_dir)}


def release_metadata(folder: Path) -> dict:
    """What a checkpoint of this project would say of the published model. Raises MissingWeights."""
    networks = [newest(folder, stem).name for stem in RELEASE_STEMS]
    return {"backbone": "vgg19", "protocol": "release", "width": 1.0, "published": networks}


def newest(folder: Path, stem: str) -> Path:
    """The file `<stem>_<number>.pth` of the highest number. Raises MissingWeights if there is none."""
    numbered = {
        int(match.group(1)): path
        for path in folder.glob(f"{stem}_*.pth")
        if (match := re.fullmatch(rf"{stem}_(\d+)\.pth", path.name))
    }
    if not numbered:
        raise MissingWeights(
            f"weight file {stem}_<iteration>.pth is missing in {folder}; {FETCH} fetches it. It comes from: {RELEASE} "
            f"(checkpoints/video_moredata_l1/{stem}_76000.pth of its release)"
        )
    return numbered[max(numbered)]


def release_vgg19(folder: Path, weights_dir: Path) -> Path:
    """vgg19_conv.pth in one of the two folders. Raises MissingWeights."""
    for path in (folder / VGG19_FEATURES.name, weights_dir / VGG19_FEATURES.name):
        if path.exists():
            return path
    raise MissingWeights(
        f"weight file {VGG19_FEATURES.name} is missing; put it in {folder} or {weights_dir} ({FETCH} does). "
        f"It comes from: {VGG19_FEATURES.origin}"
    )
