"""Nearest-neighbour matching on raw backbone features, no learning (the paper's Fig. 4, top row)."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.networked import Networked


class NnMatch(Networked):
    """Each position gathers the chroma of the reference positions whose features resemble its own (Eqs. 3-5).

    On clips the reference is the first frame, on images the most similar photograph of the gallery.
    """

    name = "nn_match"
    citation = "Zhang et al., CVPR 2019, Fig. 4: correspondence before training"
    given = {"clips": ("first_frame",), "images": ("reference",)}
    uses_backbone = ("colorize",)

    @cached_property
    def backbone(self):
        from vision.backbones import load_backbone

        return load_backbone(self.setting.backbone, self.setting.weights_dir).to(self.device)

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        from bench.methods.contract.feature_match import Exemplar

        lab = given.reference if given.first_frame is None else given.first_frame
        exemplar = Exemplar(self.backbone, lab, self.device)
        for luminance in frames:
            yield exemplar.warped(luminance)
