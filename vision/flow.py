"""Optical flow estimators behind one seam: OpenCV's DIS and Farneback, and any ptlflow model with a local checkpoint.

An estimator is a function of two 8-bit grey images (H, W) that returns the flow from the first to the second,
float32 (H, W, 2), in pixels (media.flow has the convention).
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

Estimator = Callable[[np.ndarray, np.ndarray], np.ndarray]


def load_estimator(name: str, weights_dir: str | Path) -> Estimator:
    """The estimator called `dis`, `farneback` or `ptlflow:<model>`.

    Raises ValueError for another name and MissingWeights where a model's checkpoint is not in `weights_dir`.
    """
    if name == "dis":
        return dis
    if name == "farneback":
        return farneback
    if name.startswith("ptlflow:"):
        return ptlflow_model(name.removeprefix("ptlflow:"), Path(weights_dir))
    raise ValueError(f"unknown flow estimator {name!r}; expected dis, farneback or ptlflow:<model>")


def dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dense inverse search, preset MEDIUM: 0.8 dB better for propagation than FAST at 13 ms a pair more."""
    # OpenCV's object adapts its scales to a small image and keeps them, so the next flow would depend on this one.
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, second, None)


def farneback(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Farneback 2003 with a pyramid deep enough for motions of some 30 pixels."""
    return cv2.calcOpticalFlowFarneback(
        first, second, None, pyr_scale=0.5, levels=5, winsize=15, iterations=3, poly_n=7, poly_sigma=1.5, flags=0
    )


def ptlflow_model(model: str, weights_dir: Path) -> Estimator:
    """A network of ptlflow with the checkpoint `<weights_dir>/<model>*`; it is given B, G, R in 0..1."""
    import ptlflow
    import torch

    from vision.weights import MissingWeights

    reference = ptlflow.get_model_reference(model)
    found = sorted(path for path in weights_dir.glob(f"{model}*") if path.is_file())
    if not found:
        origins = sorted(set(getattr(reference, "pretrained_checkpoints", {}).values()))
        raise MissingWeights(
            f"a checkpoint of the flow model {model} is missing. Put it at {weights_dir / (model + '.ckpt')}. "
            f"It comes from: {', '.join(origins) or 'the authors of the model'}"
        )
    network = ptlflow.get_model(model, ckpt_path=str(found[0])).eval()

    def estimate(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        images = torch.from_numpy(np.stack([first, second])).float()[None, :, None] / 255  # (1, 2, 1, H, W)
        with torch.no_grad():
            flow = network({"images": images.expand(-1, -1, 3, -1, -1)})["flows"]
        return flow[0, 0].permute(1, 2, 0).numpy()

    return estimate
