"""The rows `precomputed: <folder>`: frames that something else has coloured already, ground truth among them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.methods.contract.method import Given, Method, Setting


class Precomputed(Method):
    """Frames read from <folder>/clips/<clip>/00000.png and <folder>/images/<image>/00000.png.

    The folder may hold {kind}, then no subfolder is added, and {results}. Every PNG there is one frame, by name with
    numbers in numerical order, hidden files aside; their chroma is used, with the input's luminance. Where the folder
    leaves a doubt which frames are meant (media.numbering), the item has failed. Where only one kind of item exists
    the row says so, as in `given: {clips: []}`.
    """

    name = "precomputed"
    citation = "frames from elsewhere"
    given = {"clips": (), "images": ()}
    uses_torch = False
    stays = True

    def __init__(self, setting: Setting | None = None, folder: str = "", given: dict | None = None):
        super().__init__(setting)
        self.folder = folder
        if given is not None:
            self.given = {kind: tuple(wanted) for kind, wanted in given.items()}

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        from media.color import lab_from_rgb
        from media.image import read_rgb
        from media.numbering import numbered_frames

        folder = self._folder_of(given.kind) / given.item
        paths = numbered_frames(folder, {".png"}) if folder.is_dir() else []
        if not paths:
            raise FileNotFoundError(f"{folder}: holds no PNG frames; put the coloured frames of {given.item!r} there")
        for path in paths:
            yield lab_from_rgb(read_rgb(path))[..., 1:]

    def files(self, kind: str, item: str) -> list[Path]:
        return [self._folder_of(kind) / item]

    def _folder_of(self, kind: str) -> Path:
        pattern = self.folder if "{kind}" in self.folder else f"{self.folder}/{{kind}}"
        if "{results}" in pattern and self.setting.results_dir is None:
            raise ValueError(f"precomputed: {self.folder}: {{results}} is not known here; name the folder itself")
        return Path(pattern.replace("{results}", str(self.setting.results_dir)).replace("{kind}", kind))
