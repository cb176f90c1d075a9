"""Colouring a clip frame by frame with a trained model: constant memory in its length, any size of frame."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from colorize import checkpoint
from colorize.model import ExemplarModel, Last
from media.color import grey8
from media.flow_files import FlowBack
from media.tensors import as_array
from vision.flow_estimators import Estimator, load_estimator
from vision.occlusion import ruder_visible

# The colorization subnet halves the frame three times; the deepest features must be more than one position.
MULTIPLE, SMALLEST = 8, 32


class Colorizer:
    """A trained model applied to arrays: the recurrence of section 3.1.

    estimator: the flow that an aligned history takes where none is given with the frames; default DIS.
    """

    def __init__(self, model: ExemplarModel, estimator: Estimator | None = None, device: str = "cpu"):
        self.model, self.device = model, device
        # In this order the CPU's convolutions take maps as they are, instead of sorting them anew around each one.
        layout = torch.channels_last if device == "cpu" else torch.preserve_format
        for network in (self.model, self.model.backbone):
            network.to(device, memory_format=layout)
        self.estimator = estimator or load_estimator("dis", "")

    @torch.inference_mode()
    def colorize(
        self,
        frames: Iterator[np.ndarray],
        reference_lab: np.ndarray,
        last_lab: np.ndarray | None = None,
        steps: Iterable[FlowBack] | None = None,
    ) -> Iterator[np.ndarray]:
        """Yield ab (H, W, 2) for each frame L (H, W), in Lab units.

        reference_lab (H', W', 3) may have another size; last_lab (H, W, 3) is a coloured frame before the first
        one, if there is any. steps: the motion to the frame before, of each frame that has one; without them an aligned
        history estimates it.
        """
        reference = self.model.encode_reference(self._padded(reference_lab))
        motions = iter(steps) if steps is not None else None
        for frame in frames:
            last = None if last_lab is None else self._last(frame, last_lab, motions)
            height, width = frame.shape
            ab = self.model(self._padded(frame[..., None]), reference, last)
            ab = as_array(ab[..., :height, :width].float())
            yield ab
            last_lab = np.concatenate([frame[..., None], ab], axis=-1)

    def _last(self, frame: np.ndarray, last_lab: np.ndarray, motions: Iterator[FlowBack] | None) -> Last:
        if self.model.history == "previous":
            return Last(self._padded(last_lab))
        if motions is None:
            flow, visible = self._motion(frame, last_lab[..., 0])
        else:
            step = next(motions)
            flow, visible = step.flow, step.visible
        return Last(self._padded(last_lab), self._padded(flow), self._padded(visible[..., None]))

    def _motion(self, frame: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flow from a frame back to the last one, and `visible`; frames too small to have any stand still."""
        if min(frame.shape) < SMALLEST:
            return np.zeros((*frame.shape, 2), np.float32), np.ones(frame.shape, bool)
        current, before = grey8(frame), grey8(last)
        flow = self.estimator(current, before)
        return flow, ruder_visible(flow, self.estimator(before, current))

    def _padded(self, image: np.ndarray) -> Tensor:
        """(H, W, C) to (1, C, H', W'), the last row and column repeated until both sides are multiples of 8."""
        x = torch.from_numpy(np.ascontiguousarray(image, np.float32)).permute(2, 0, 1)[None].to(self.device)
        rows, columns = (max(SMALLEST, side + -side % MULTIPLE) - side for side in x.shape[-2:])
        return F.pad(x, (0, columns, 0, rows), mode="replicate")


def load_colorizer(path: str | Path, weights_dir: str | Path, device: str = "cpu") -> Colorizer:
    """The colorizer of a checkpoint of `colorize.training`; `weights_dir` is where the backbone's file is sought."""
    return Colorizer(checkpoint.load(path, weights_dir), device=device)
