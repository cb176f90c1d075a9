"""Colours carried from frame to frame by optical flow (Fig. 7's baseline)."""

from collections.abc import Iterator

import numpy as np

from bench.methods.contract.method import Given, Method
from media.flow_files import warp


class FlowPropagation(Method):
    """Frame t samples the result of frame t-1 at x + flow; the warped value also stands where `visible` is False."""

    name = "flow_propagation"
    citation = "Zhang et al., CVPR 2019, section 5.2: optical-flow-based colour propagation"
    given = {"clips": ("first_frame", "flow")}
    uses_torch = False

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        next(frames)
        ab = given.first_frame[..., 1:]
        yield ab
        for _, step in zip(frames, given.flow, strict=True):
            ab = warp(ab, step.flow)
            yield ab
