"""The contract between the benchmark and a method of colouring.

Importing this module, or a method, must not import torch, nor what else is slow: whenever the workflow starts, every
row is asked what it is given.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media.flow_files import FlowBack

KINDS = ("clips", "images")
GIVEN = ("reference", "first_frame", "flow", "processed", "hints")


@dataclass(frozen=True)
class Setting:
    """What every method may need to know besides what it is given for an item."""

    weights_dir: Path  # where weight files are sought
    backbone: str  # name for vision.backbones.load_backbone
    checkpoint: Path | None  # the model of the row's `training`; None if it has none
    seed: int
    results_dir: Path | None = None  # what {results} in the folder of a `precomputed` row stands for
    log_dir: Path | None = None  # where what the program of a `command` row says is kept, a file an item; None: nowhere
    device: str = "cpu"  # where networks run, a name for vision.placing.device_called


@dataclass(frozen=True)
class Given:
    """What a method is given for one item. Only what its class asks for in `given` is filled."""

    kind: str  # clips or images
    item: str  # name of the clip or image
    reference: np.ndarray | None = None  # (H', W', 3) float32 Lab, of any size
    first_frame: np.ndarray | None = None  # (H, W, 3) float32 Lab, frame 0 in colour
    flow: Iterator[FlowBack] | None = None  # for t = 1, 2, ...
    processed: Iterator[np.ndarray] | None = None  # (H, W, 2) ab of the row being post-processed, one per frame
    hints: np.ndarray | None = None  # (H, W, 3): a, b, and 1 where a hint stands


class Method:
    """One way of colouring; a file in bench/methods/ defines exactly one subclass.

    Required:
        name        the file's name, which is the row's name unless the row says otherwise.
        citation    where the method comes from, in a line.
        given       for each kind of item that it colours (`clips`, `images`), what it is given there: any of
                    `reference`, `first_frame`, `flow`, `processed`, `hints`, or () for nothing. A kind that is
                    absent is not coloured, and its cells in the table stay empty.
        colorize    the work itself, below.

    Optional:
        __init__    with keyword arguments of its own: each is an option of the row in the config. It is called to
                    ask a row what it is given, so it must stay light: load weights on first use. Default: no options.
        fit         learns from data. Default: raises, this method does not learn.
        uses_torch  False for a method that never imports PyTorch: its row then does not wait seconds for it. Default:
                    True, PyTorch is seeded for each item.
        uses_backbone  for which of `colorize` and `fit` it loads the network `backbone` of the configuration, so that a
                    run without its file stops before it starts. Default: for none.
        uses_device  True for a method whose networks run on `setting.device`: its row then asks for a GPU where the
                    configuration's `device` names one. Default: False, it runs on the CPU.
        refuses     keys of a training (colorize.settings) that its `fit` has no use for: a configuration with one of
                    them stops before anything runs. Default: none.
        stays       True for a method of which options count from the folder that the run was started in: it is not sent
                    to the workers of a cluster. Default: False.
        skip        a reason why it cannot run here (a licence, a missing program). Default: None, it can.
        files       which files, besides what it is given, decide an item's result. Default: none.
        record      what made the results besides this project's code, for their sidecar. Default: nothing.
    """

    name: str
    citation: str
    given: dict[str, tuple[str, ...]]
    uses_torch: bool = True
    uses_backbone: tuple[str, ...] = ()
    uses_device: bool = False
    refuses: frozenset[str] = frozenset()
    stays: bool = False

    def __init__(self, setting: Setting | None = None):
        self.setting = setting

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        """Colour one item: yields one ab (H, W, 2) float32, Lab units, for each frame, in order.

        frames: L (H, W) float32 in 0..100, one at a time; an image is a clip of one frame. Write it as a generator
        that takes a frame, yields its ab and keeps only what the next one needs, so that length costs no memory.
        The result is joined with the input's own L. An exception makes this item a failed row, not the others.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define colorize(frames, given)")

    def fit(self, data, settings: dict, out_dir: Path) -> None:
        """Write model.safetensors and summary.json to `out_dir`; `data`: colorize.training.pairs.TrainingData.

        settings: the entry under `training:` in the config, without `method`.
        """
        raise NotImplementedError(f"the method {self.name!r} does not learn: take it out of `training:` in the config")

    def skip(self) -> str | None:
        """Why the method cannot run here; None if it can."""
        return None

    def files(self, kind: str, item: str) -> list[Path]:
        """Files and folders of its own that an item is coloured from: where one has changed it is coloured again."""
        return []

    def record(self) -> dict[str, list[str]]:
        """By name, lines about programs and files that the pipeline does not know: versions, hashes."""
        return {}
