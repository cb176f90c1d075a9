"""The loss curves of a training, written as they come: metrics.jsonl (one line a step) and TensorBoard."""

import json
from pathlib import Path

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from media.regular import make_way
from media.whole import remove


class Curves:
    """Scalars and pictures of a training, by step. `lines` are those of an earlier part of it, which is continued.

    Without a folder nothing is written: of several processes only the first one keeps curves.
    """

    def __init__(self, folder: Path | None, lines: list[str]):
        self.lines: list[str] = []
        self.folder = folder
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            remove(folder / "tensorboard")  # what was written after the saved state
            make_way(folder / "metrics.jsonl")
            self.file = (folder / "metrics.jsonl").open("w")
            self.board = SummaryWriter(str(folder / "tensorboard"))
        for line in lines:
            values = json.loads(line)
            self.write(values.pop("step"), values)

    def write(self, step: int, values: dict[str, float]) -> None:
        """Add the values of one step."""
        line = json.dumps({"step": step, **values})
        self.lines.append(line)
        if self.folder:
            self.file.write(line + "\n")
            self.file.flush()
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def picture(self, step: int, name: str, rgb: Tensor) -> None:
        """Add a picture (3, H, W) in 0..1, to TensorBoard alone."""
        if self.folder:
            self.board.add_image(name, rgb, step)

    def __enter__(self) -> "Curves":
        return self

    def __exit__(self, *exception) -> None:
        if self.folder:
            self.file.close()
            self.board.close()
