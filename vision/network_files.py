"""Which weight files the networks of vision.backbones are made of, known without torch, which takes seconds."""

import warnings
from collections.abc import Iterable
from pathlib import Path

from vision.weights import (
    EFFICIENTNET_LITE0,
    INCEPTION_FID,
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


def contents(files: Iterable[WeightFile], weights_dir: Path) -> dict[str, str]:
    """The SHA-256 of each file that is there, by its name: what a number that was made with them follows from."""
    with warnings.catch_warnings():  # that one is not the published file is said where it is loaded
        warnings.simplefilter("ignore")
        return {file.name: hash_of(locate(file, weights_dir)) for file in files if is_present(file, weights_dir)}
