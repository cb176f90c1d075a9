"""Matching and propagation blended without learning: what the paper's architecture gives before any training."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.networked import Networked
from media.flow_files import warp


class Fusion(Networked):
    """x = g W + (1 - g) P: W is the chroma matched in the first frame, P the previous result aligned by flow.

    g = 1 - 0.9 visible exp(-(dL / 4)^2), with dL = L_t - warp(L_{t-1}): the previous result counts where it
    is visible and the luminance agrees. Aligning P departs from Eq. 7, which feeds the last frame as it is, so
    this is a row of its own and never `ours`. The constants were chosen beforehand, not tuned.
    """

    name = "fusion"
    citation = "this project; a control for what training adds"
    given = {"clips": ("first_frame", "flow")}
    uses_backbone = ("colorize",)

    @cached_property
    def backbone(self):
        from vision.backbones import load_backbone

        return load_backbone(self.setting.backbone, self.setting.weights_dir).to(self.device)

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        from bench.methods.contract.feature_match import Exemplar

        exemplar = Exemplar(self.backbone, given.first_frame, self.device)
        previous, ab = next(frames), given.first_frame[..., 1:]
        yield ab
        for luminance, step in zip(frames, given.flow, strict=True):
            gate = matched_share(luminance - warp(previous, step.flow), step.visible)[..., None]
            ab = gate * exemplar.warped(luminance) + (1 - gate) * warp(ab, step.flow)
            previous = luminance
            yield ab


def matched_share(luminance_difference: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """g, the weight of the matched colour: (H, W) float32 in 0.1..1."""
    agreement = np.exp(-((luminance_difference / 4) ** 2))
    return (1 - 0.9 * visible * agreement).astype(np.float32)
