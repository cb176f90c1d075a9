"""Optical flow estimators behind one seam: OpenCV's DIS and Farneback, torchvision's RAFT, and any model of ptlflow.

An estimator is a function of two 8-bit grey images (H, W) that returns the flow from the first to the second,
float32 (H, W, 2), in pixels (media.flow_files has the convention). It may be called from several threads. Networks see
the grey image in three channels and run on the GPU where there is one. docs/flow.md compares the estimators.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from vision.network_files import RAFT_FILES, checkpoints_of
from vision.weights import FLOWNET2_NVIDIA, MissingWeights, WeightFile, locate

Estimator = Callable[[np.ndarray, np.ndarray], np.ndarray]

# Shorter sides are made longer. OpenCV's DIS ends the whole program at some sizes below its minimum (200 x 12).
DIS_MIN_SIDE = 32
# RAFT and its many relatives halve an eighth of the frame three times and still need two pixels there.
NETWORK_MIN_SIDE = 128


def load_estimator(name: str, weights_dir: str | Path, device: str = "cpu") -> Estimator:
    """The estimator called `dis`, `farneback`, `raft`, `raft_small` or `ptlflow:<model>`.

    device: where a network runs, a name for vision.placing.device_called.
    Raises ValueError for another name, MisfitWeights for a weight file that does not fit, and MissingWeights where the
    weight file of a network is not in `weights_dir`.
    """
    weights_dir = Path(weights_dir)
    if name in WITHOUT_WEIGHTS:
        return WITHOUT_WEIGHTS[name]
    if name in RAFT_FILES:
        return raft(name, weights_dir, device)
    if name.startswith("ptlflow:"):
        return ptlflow_model(name.removeprefix("ptlflow:"), weights_dir, device)
    known = ", ".join([*WITHOUT_WEIGHTS, *RAFT_FILES])
    raise ValueError(f"unknown flow estimator {name!r}; expected {known} or ptlflow:<model>")


def dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dense inverse search, preset MEDIUM: 0.8 dB better for propagation than FAST at 13 ms a pair more."""
    # OpenCV's object adapts its scales to a small image and keeps them, so the next flow would depend on this one.
    engine = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return _extended(lambda a, b: engine.calc(a, b, None), first, second, DIS_MIN_SIDE)


def farneback(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Farneback 2003 with a pyramid deep enough for motions of some 30 pixels."""
    _check_pair(first, second)
    return cv2.calcOpticalFlowFarneback(
        first, second, None, pyr_scale=0.5, levels=5, winsize=15, iterations=3, poly_n=7, poly_sigma=1.5, flags=0
    )


WITHOUT_WEIGHTS: dict[str, Estimator] = {"dis": dis, "farneback": farneback}


def raft(name: str, weights_dir: Path, device: str) -> Estimator:
    """RAFT (Teed and Deng 2020) of torchvision with its published weights and 12 updates; `raft` is its raft_large."""
    from torchvision.models import optical_flow

    from vision.state_dicts import read_state

    path = locate(RAFT_FILES[name], weights_dir)
    network = {"raft": optical_flow.raft_large, "raft_small": optical_flow.raft_small}[name]()
    network = _on_device(_filled(network, read_state(path), path), device)
    return _of_network(lambda images: network(*(2 * images - 1).split(1))[-1], network, multiple=8)


def ptlflow_model(model: str, weights_dir: Path, device: str) -> Estimator:
    """A network of ptlflow with its checkpoint; `flownet2` is mended to be NVIDIA's (vision.flownet2).

    The checkpoint is `<weights_dir>/<model>.ckpt`, or else the one file called `<model>.*` or `<model>-*`, as it is
    published; for flownet2 also NVIDIA's own.
    """
    from vision.state_dicts import state_of
    from vision.torch_files import read_torch_file

    ptlflow = import_ptlflow()
    published = [
        _published(address)
        for address in sorted(set(getattr(ptlflow.get_model_reference(model), "pretrained_checkpoints", {}).values()))
    ]
    if model == "flownet2":
        published.append(FLOWNET2_NVIDIA)
    path = _find_checkpoint(model, published, weights_dir)
    network = ptlflow.get_model(model)
    content = read_torch_file(path)
    state = state_of(content, path, "state_dict")  # as ptlflow and NVIDIA save it
    settings = content.get("hyper_parameters")
    extra = settings.get("extra_params") if isinstance(settings, dict) else None
    for name, value in (extra if isinstance(extra, dict) else {}).items():
        network.add_extra_param(name, value)
    network = _on_device(_filled(network, state, path), device)
    if model == "flownet2":
        from vision.flownet2 import as_nvidia

        network = as_nvidia(network)
    return _of_network(lambda images: network({"images": images[None]})["flows"][0], network)


def _of_network(flow_of: Callable, network, multiple: int = 1) -> Estimator:
    """An estimator of `flow_of`, which makes flow (1, 2, H, W) of both frames (2, 3, H, W), 0..1, each R = G = B."""
    import torch

    device = next(network.parameters()).device
    lock = Lock()  # networks keep what they compute on the way

    def infer(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        images = torch.from_numpy(np.stack([first, second])).to(device).float()[:, None] / 255
        with lock, torch.no_grad():
            flow = flow_of(images.repeat(1, 3, 1, 1))[0]
        return flow.permute(1, 2, 0).float().cpu().numpy()

    return lambda first, second: _extended(infer, first, second, NETWORK_MIN_SIDE, multiple)


def _extended(
    flow_of: Estimator, first: np.ndarray, second: np.ndarray, min_side: int, multiple: int = 1
) -> np.ndarray:
    """Flow on the frames' own grid, estimated on frames whose edges are repeated to `min_side` and to a `multiple`."""
    _check_pair(first, second)
    margins = []
    for side in first.shape:
        missing = -(-max(side, min_side) // multiple) * multiple - side
        margins.append((missing // 2, missing - missing // 2))
    if np.any(margins):
        first, second = (np.pad(image, margins, mode="edge") for image in (first, second))
    inner = tuple(slice(before, side - after) for (before, after), side in zip(margins, first.shape, strict=True))
    return np.ascontiguousarray(flow_of(first, second)[inner])


def _check_pair(first: np.ndarray, second: np.ndarray) -> None:
    for image in (first, second):
        if image.dtype != np.uint8 or image.ndim != 2 or image.shape != first.shape or image.size == 0:
            raise ValueError(
                f"flow is estimated between two 8-bit grey images (H, W) of one size; these are {first.dtype} "
                f"{first.shape} and {second.dtype} {second.shape}"
            )


def _on_device(network, device: str):
    from vision.placing import device_called

    return network.to(device_called(device))


def _filled(network, state: dict, path: Path):
    """The network with these weights, frozen, in eval mode. Raises MisfitWeights naming the tensor that misfits."""
    from vision.state_dicts import fill

    fill(network, state, path, "it holds the weights of another network")
    return network.eval().requires_grad_(False)


def import_ptlflow():
    """The package ptlflow. One of its models expects any faiss to have GPU functions, and fails with faiss-cpu."""
    with _IMPORTING:
        if "ptlflow" not in sys.modules:
            faiss = sys.modules.pop("faiss", None)
            sys.modules["faiss"] = None  # an import of it raises ImportError, and that model does without
            try:
                import ptlflow
            finally:
                del sys.modules["faiss"]
                if faiss is not None:
                    sys.modules["faiss"] = faiss
        import ptlflow
    return ptlflow


_IMPORTING = Lock()


def _published(address: str) -> WeightFile:
    """A file of ptlflow, whose name ends with the first digits of its hash."""
    name = address.rpartition("/")[2]
    digits = re.search(r"-([0-9a-f]{8})\.", name)
    return WeightFile(name, address, digits.group(1) if digits else "")


def _find_checkpoint(model: str, published: list[WeightFile], weights_dir: Path) -> Path:
    own = weights_dir / f"{model}.ckpt"
    names = checkpoints_of(model, weights_dir) | {one.name for one in published if (weights_dir / one.name).exists()}
    if not names:
        origins = "; ".join(f"{file.name}, {file.origin}" for file in published) or "the authors of the model"
        raise MissingWeights(
            f"a checkpoint of the flow model {model} is missing in {weights_dir}. Put it there under the name it is "
            f"published with, or as {own.name}. It comes from: {origins}"
        )
    if own.name in names:
        return own
    if len(names) > 1:
        raise ValueError(
            f"{weights_dir} has several checkpoints of the flow model {model}: {', '.join(sorted(names))}. "
            f"Leave one there, or call the wanted one {own.name}"
        )
    name = names.pop()
    return locate(next((file for file in published if file.name == name), WeightFile(name, "")), weights_dir)
