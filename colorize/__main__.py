"""`python -m colorize`: the commands for people. What they need is imported when they run, so that --help is quick."""

import sys
import warnings
from pathlib import Path
from typing import Literal

import tyro

from media.faults import ending_plainly
from media.text import print_any_letter

ROOT = Path(__file__).parents[1]


def video(
    *,
    input: Path,
    reference: tuple[Path, ...],
    output: Path,
    weights: Literal["release"] | Path = ROOT / "weights" / "huebench-small.safetensors",
    weights_dir: Path = ROOT / "weights" / "external",
    short_side: int = 216,
    finish: Literal["none", "release"] = "none",
    side_by_side: bool = False,
    fps: float = 25.0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    fresh: bool = False,
) -> None:
    """Colour a video, a folder of frames or an image with a reference picture. docs/colorize-video.md says more.

    Videos are written as H.264 in 4:2:0, which halves the resolution of the colours (4:4:4 where a side is odd).
    A run that was stopped goes on from its last finished segment when it is started again.

    Args:
        input: a video, an image, or a folder of frames, which are taken in natural order.
        reference: a colour picture for all shots, or one a shot, in order.
        output: a video (.mp4, .m4v, .mov, .mkv), an image (.png, .jpg), or without a suffix a folder of PNG frames.
        weights: a .safetensors file of colorize.training.exemplar, or the folder with the published program's files;
            release = the paper's published model, fetched into weights_dir on first use (160 MB, and 80 MB of VGG19).
        weights_dir: where other people's weight files, such as the backbone's, are sought.
        short_side: pixels of the shorter side as the network sees a frame, at most; 0 = the frame's own size.
        finish: release = the colours x1.25 and smoothed along edges, as the published program does.
        side_by_side: show the grey input, with the reference in its corner, beside the result.
        fps: frames a second where the input is images and the output a video.
        device: where the network runs; auto = the GPU where there is one. Another device rounds differently.
        fresh: start anew even if an unfinished run can be gone on with.
    """
    warnings.showwarning = _plainly
    options = {"weights": weights, "weights_dir": weights_dir, "short_side": short_side, "finish": finish}
    options |= {"side_by_side": side_by_side, "fps": fps, "device": device, "fresh": fresh}
    with ending_plainly():  # around the imports, too: they take more memory than a small clip does
        from colorize.inference.clip import CannotColorize
        from colorize.inference.video import colorize_video
        from media.decoding import VideoError
        from media.fetching import CannotFetch
        from media.image import CorruptImage
        from vision.weights import MisfitWeights

        try:
            colorize_video(input, list(reference), output, **options)
        except (CannotColorize, CannotFetch, MisfitWeights, VideoError, CorruptImage, OSError) as error:
            sys.exit(f"error: {error}")


def export(
    *,
    clips: Path,
    out: Path,
    flow: Path | None = None,
    references: Path | None = None,
    shard_size: int = 32,
) -> None:
    """Write prepared clips as WebDataset tar shards, for training elsewhere. docs/training-data.md has a reader.

    Args:
        clips: table of clips or photographs, beside the folder of their frames; rejected ones are left out.
        out: name of the shards with the number as %06d, such as shards/train-%06d.tar.
        flow: table of their flow; without it the shards hold none.
        references: table of their references; without it the shards hold none.
        shard_size: clips a shard.
    """
    with ending_plainly():
        from colorize.training.export import write_shards
        from colorize.training.pairs import PreparedSet

        try:
            written = write_shards(PreparedSet(clips, references, flow), out, shard_size)
        except (ValueError, OSError) as error:
            sys.exit(f"error: {error}")
    print(
        f"export: {written.clips} clips with {written.pairs} pairs and {written.references} references, "
        f"{written.without_references} clips without any"
    )
    print("left out: " + (", ".join(f"{count} {reason}" for reason, count in written.skipped.items()) or "none"))


def _plainly(message: Warning | str, *_, **__) -> None:
    print(f"warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    print_any_letter()
    tyro.extras.subcommand_cli_from_dict({"video": video, "export": export}, prog="python -m colorize")
