"""Which weight files the networks of vision.backbones and the models of ptlflow are made of, known without torch, which
takes seconds."""

import warnings
from collections.abc import Iterable
from pathlib import Path

from vision.weights import (
    EFFICIENTNET_LITE0,
    FLOWNET2_NVIDIA,
    INCEPTION_FID,
    RAFT_LARGE,
    RAFT_SMALL,
    VGG19_CLASSIFIER,
    VGG19_FEATURES,
    WeightFile,
    hash_of,
    is_present,
    locate,
)

OF_BACKBONE = {
    "efficientnet_lite0": (EFFICIENTNET_LITE0,),
    "vgg19": (VGG19_FEATURES,),
    "vgg19_classifier": (VGG19_CLASSIFIER,),
    "inception": (INCEPTION_FID,),
    "inception_clean": (INCEPTION_FID,),
}
# The flow estimators of torchvision; those of ptlflow have the files that `checkpoints_of` finds.
RAFT_FILES = {"raft": RAFT_LARGE, "raft_small": RAFT_SMALL}


def checkpoints_of(model: str, weights_dir: Path) -> set[str]:
    """The names of the files that are there for a model of ptlflow: as published, or `<model>.ckpt`, which counts
    before others; without it there must be one."""
    names = {path.name for pattern in (f"{model}.*", f"{model}-*") for path in weights_dir.glob(pattern)}
    nvidia = {FLOWNET2_NVIDIA.name} if model == "flownet2" and is_present(FLOWNET2_NVIDIA, weights_dir) else set()
    return names | nvidia


def contents(files: Iterable[WeightFile], weights_dir: Path) -> dict[str, str]:
    """The SHA-256 of each file that is there, by its name: what a number that was made with them follows from."""
    with warnings.catch_warnings():  # that one is not the published file is said where it is loaded
        warnings.simplefilter("ignore")
        return {file.name: hash_of(locate(file, weights_dir)) for file in files if is_present(file, weights_dir)}
