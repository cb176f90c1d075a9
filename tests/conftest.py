"""Media that the tests make for themselves."""

import signal
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest
from loopback import Site

from media.image import cover_crop

# Folders whose tests look at one world that takes long to make, in fixtures of the session.
ONE_WORLD = ("tests/workflow/", "tests/bench/report/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """What `pytest -n 2 --dist loadfile` does, but the files of a folder of ONE_WORLD go to one process together."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByWorld(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((folder for folder in ONE_WORLD if nodeid.startswith(folder)), super()._split_scope(nodeid))

    return ByWorld(config, log)


def pytest_configure():
    """Tests send SIGINT, which what is started in the background of a script has been told to ignore."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same random tensors, alone or among others. Torch is not imported for it."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def picture():
    """Makes a smooth random picture in full colour, uint8 (height, width, 3): picture(seed, height, width)."""

    def make(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
        coarse = np.random.default_rng(seed).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)

    return make


@pytest.fixture(scope="session")
def moving(picture):
    """Makes frames of a picture whose content moves `step` pixels to the right a frame: moving(seed, count, step)."""

    def make(seed: int, count: int, step: int = 1, height: int = 64, width: int = 96) -> list[np.ndarray]:
        wide = picture(seed, height, width + step * count)
        return [wide[:, step * (count - i) : step * (count - i) + width] for i in range(count)]

    return make


@pytest.fixture(scope="session")
def place_on():
    """Finds the (top, left) of a picture's panel on a sheet (media.sheet), None if it is not there."""

    def find(sheet: np.ndarray, rgb: np.ndarray, width: int) -> tuple[int, int] | None:
        panel = cover_crop(rgb, (round(width * rgb.shape[0] / rgb.shape[1]), width))
        height = panel.shape[0]
        for top, left in np.argwhere((sheet[:-height, :-width] == panel[0, 0]).all(axis=-1)):
            if np.array_equal(sheet[top : top + height, left : left + width], panel):
                return int(top), int(left)
        return None

    return find


@pytest.fixture(scope="session")
def write_video():
    """Writes frames as a video file whose container is that of the name: write_video(path, frames)."""

    def write(
        path: Path,
        frames: list[np.ndarray],
        codec: str = "libx264",
        rotation: int = 0,
        movflags: str = "",
        prepare: Callable[[av.VideoStream], None] = lambda stream: None,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w", options={"movflags": movflags} if movflags else {}) as container:
            stream = container.add_stream(codec, rate=Fraction(25), options={"crf": "10"} if codec == "libx264" else {})
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            prepare(stream)
            if rotation:
                stream.set_display_rotation(rotation)
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def site(monkeypatch):
    """A server on loopback (tests/faults/loopback.py). Between two tries nobody waits."""
    import pooch.core

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch.core, "time", SimpleNamespace(sleep=lambda seconds: None))
    with Site() as site:
        yield site
