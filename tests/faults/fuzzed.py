"""Files that are made and then mutated, and the process that reads them: `python fuzzed.py` reads paths from stdin."""

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from media.color import lab_from_rgb

PICTURES = {"png": {}, "jpeg": {"quality": 80}, "gif": {}, "bmp": {}, "webp": {}, "tiff": {}, "ppm": {}}
VIDEOS = {
    "mp4": ("libx264", "yuv420p"),
    "mkv": ("ffv1", "bgr0"),
    "avi": ("mpeg4", "yuv420p"),
    "ts": ("mpeg2video", "yuv420p"),
    "webm": ("libvpx", "yuv420p"),
}
WEIGHTS = ("safetensors", "pth", "legacy.pth", "npz")
OURS = {"backbone": "efficientnet_lite0", "width": 0.125}
# Numbers that readers stumble over, as they stand in headers.
WORDS = [bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x01\x00\x00", b"\x80" + bytes(3)]


def originals(folder: Path) -> dict[str, list[Path]]:
    """One whole file of each format, by kind."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (40, 56, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    for form, options in PICTURES.items():
        Image.fromarray(rgb).save(folder / f"picture.{form}", form.upper(), **options)
    Image.fromarray(rgb).save(folder / "turned.jpg", exif=exif)
    Image.fromarray(rgb[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    Image.fromarray(rgb).quantize(16).save(folder / "palette.png")
    for name, (codec, pixels) in VIDEOS.items():
        write_video(folder / f"video.{name}", codec, pixels, rng)
    write_weights(folder, rng)
    kinds = {
        "pictures": {".mp4", ".mkv", ".avi", ".ts", ".webm", ".safetensors", ".pth", ".npz"},
        "videos": {f".{name}" for name in VIDEOS},
        "weights": {".safetensors", ".pth", ".npz"},
    }
    files = sorted(folder.iterdir())
    found = {kind: [path for path in files if path.suffix in kinds[kind]] for kind in ("videos", "weights")}
    return found | {"pictures": [path for path in files if path.suffix not in kinds["pictures"]]}


def write_video(path: Path, codec: str, pixels: str, rng: np.random.Generator) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for _ in range(8):
            rgb = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.time_base = Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_weights(folder: Path, rng: np.random.Generator) -> None:
    import torch
    from safetensors.numpy import save_file

    from colorize import checkpoint
    from colorize.model import ExemplarModel
    from vision.backbones import load_backbone

    state = {f"layer{i}.weight": rng.standard_normal((4, 3, 3), dtype=np.float32) for i in range(3)}
    save_file(state, folder / "weights.safetensors", {"backbone": "efficientnet_lite0", "width": "0.125"})
    tensors = {name: torch.from_numpy(value) for name, value in state.items()}
    torch.save(tensors, folder / "weights.pth")
    torch.save(tensors, folder / "weights.legacy.pth", _use_new_zipfile_serialization=False)
    np.savez(folder / "weights.npz", **state)
    checkpoint.save(
        ExemplarModel(load_backbone("efficientnet_lite0", folder), width=0.125),
        folder / "weights_ours.safetensors",
        OURS,
    )


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes of a file with one to four things done to them."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(len(changed)) if rng.random() < 0.5 else rng.integers(min(len(changed), 128)))
        match rng.integers(7):
            case 0:
                changed[at] ^= 1 << int(rng.integers(8))
            case 1:
                changed[at : at + 4] = WORDS[rng.integers(len(WORDS))]
            case 2:
                del changed[max(1, at) :]
            case 3:
                changed[at:at] = rng.bytes(int(rng.integers(1, 64)))
            case 4:
                del changed[at : at + int(rng.integers(1, 64))]
            case 5:
                changed[at : at + 64] = bytes(64)
            case _:
                end = int(rng.integers(len(changed)))
                changed[at:at] = changed[min(at, end) : max(at, end)][:4096]
        changed = changed or bytearray(b"\0")
    return bytes(changed)


def read(path: Path) -> str:
    """Read a file as the project does; what it came to, in a word. Other exceptions than the typed ones are raised."""
    from colorize import checkpoint
    from media.decoding import VideoError, decode
    from media.image import CorruptImage, read_rgb
    from vision.weights import MisfitWeights

    try:
        if path.name.startswith("video"):
            for rgb in decode(path):
                lab_from_rgb(rgb)
        elif path.name.startswith("weights"):
            checkpoint.load(path, path.parent) if path.suffix == ".safetensors" else checkpoint.read_state(path)
        else:
            lab_from_rgb(read_rgb(path))
    except (CorruptImage, VideoError, MisfitWeights) as error:
        if str(path) not in str(error):
            raise AssertionError(f"the error does not name the file: {error}") from error
        return type(error).__name__
    return "read"


def memory() -> int:
    """Bytes that this process has held at most since the last call."""
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5")
    return int(peak.split()[1]) * 1024


def main() -> None:
    """A line for each path: what it came to, and the bytes above those held before."""
    import traceback
    import warnings

    import torch  # noqa: F401  # what it takes is none of the file's

    from colorize import checkpoint  # noqa: F401

    warnings.simplefilter("ignore")
    before = memory()
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        try:
            outcome = read(path)
        except BaseException:
            outcome = "UNTYPED " + " | ".join(traceback.format_exc().splitlines()[-6:])
        print(f"{memory() - before}\t{outcome}", flush=True)


if __name__ == "__main__":
    main()
