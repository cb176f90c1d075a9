"""Colouring clips of any kind: what is kept of the input, references a shot, going on after a kill, odd inputs."""

import builtins
import errno
import os
import runpy
import signal
import subprocess
import sys
import time
import warnings
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from unittest.mock import Mock
from zipfile import ZipFile

import av
import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from colorize.inference import segments, video
from colorize.inference.clip import CannotColorize
from colorize.inference.colorizer import Colorizer
from colorize.inference.finish import finished
from colorize.inference.video import colorize_video, working_size
from media.color import clipped_rgb_from_lab, lab_from_rgb, with_luminance
from media.decoding import NotAVideo, TimedFrame, TruncatedVideo, decode, decode_timed, describe
from media.encoding import VideoWriter
from media.faults import MachineFault
from media.image import CorruptImage, frame_path, read_rgb, write_png
from media.writer import StillWriting
from vision.weights import WeightFile

ROOT = Path(__file__).parents[3]


class Fading:
    """Stands in for the network: half of the last colours and half of the reference's mean."""

    def __init__(self):
        self.runs = []  # what each run was given: the reference's mean colours and the last coloured frame
        self.sizes = set()

    def colorize(self, frames, reference_lab, last_lab=None):
        mean = reference_lab[..., 1:].mean(axis=(0, 1))
        self.runs.append((mean, last_lab))
        for luminance in frames:
            self.sizes.add(luminance.shape)
            last = np.zeros(2, np.float32) if last_lab is None else last_lab[..., 1:]
            ab = np.broadcast_to(0.5 * last + 0.5 * mean, (*luminance.shape, 2)).astype(np.float32)
            last_lab = np.concatenate([luminance[..., None], ab], axis=-1)
            yield ab


@pytest.fixture
def network(monkeypatch, tmp_path):
    """The stand-in, as every network that is opened; its weights file is `weights`."""
    network = Fading()
    (tmp_path / "weights").write_bytes(b"")
    monkeypatch.setattr(video, "DEFAULT_WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(video, "open_colorizer", lambda weights, weights_dir, device: network)
    monkeypatch.setattr(video.checkpoint, "contents_of", lambda weights, weights_dir: {})
    monkeypatch.setattr(segments, "LENGTH", 4)
    monkeypatch.setattr(video, "LENGTH", 4)
    return network


@pytest.fixture
def colorize(network, tmp_path):
    """Runs colorize_video with the stand-in's weights."""

    def run(given, references, output, **options):
        references = references if isinstance(references, list) else [references]
        colorize_video(given, references, output, weights=tmp_path / "weights", **options)
        return output

    return run


@pytest.fixture
def red(tmp_path):
    write_png(tmp_path / "red.png", np.full((40, 56, 3), (200, 60, 60), np.uint8))
    return tmp_path / "red.png"


@pytest.fixture
def blue(tmp_path):
    write_png(tmp_path / "blue.png", np.full((80, 30, 3), (60, 60, 200), np.uint8))
    return tmp_path / "blue.png"


@pytest.fixture
def clip(tmp_path, write_video, moving):
    return write_video(tmp_path / "clip.mp4", moving(0, 10))


@pytest.fixture
def command(monkeypatch):
    """Runs `python -m colorize video` in this process; how it ended: None, or what it says."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["colorize", "video", *map(str, arguments)])
        monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # which the command exchanges
        try:
            runpy.run_module("colorize", run_name="__main__")
        except SystemExit as end:
            return end.code

    return run


def process(*arguments):
    """The same as a process, when it has ended."""
    command = [sys.executable, "-m", "colorize", "video", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def luminance(rgb):
    return lab_from_rgb(np.ascontiguousarray(rgb))[..., 0]


def frames_of(folder):
    return [read_rgb(frame_path(folder, index)) for index in range(len(list(folder.iterdir())))]


def test_luminance_is_that_of_the_full_frames(colorize, network, clip, red, tmp_path):
    colored = frames_of(colorize(clip, red, tmp_path / "out", short_side=40))
    assert network.sizes == {(40, 64)}  # 64x96, shrunk and rounded to multiples of 8
    for before, after in zip(decode(clip), colored, strict=True):
        off = np.abs(luminance(before) - luminance(after))
        assert off.max() < 0.26  # 8-bit rounding, of strong colours too
        assert (lab_from_rgb(after)[..., 1].mean()) > 10


def test_a_video_keeps_its_times(colorize, red, tmp_path, moving):
    times = [(900, 900), (1800, 3600), (5400, 900), (6300, 450), (6750, 1800), (8550, 900)]
    with VideoWriter(tmp_path / "variable.mp4", Fraction(1, 90000), Fraction(30)) as writer:
        for frame, (pts, duration) in zip(moving(0, 6), times, strict=True):
            writer.add(TimedFrame(frame, pts, duration))
    output = colorize(tmp_path / "variable.mp4", red, tmp_path / "new" / "out.mp4")
    assert describe(output).time_base == Fraction(1, 90000)
    assert [(frame.pts, frame.duration) for frame in decode_timed(output)] == times


def test_a_turned_video_comes_out_upright(colorize, red, tmp_path, write_video, picture):
    phone = write_video(tmp_path / "phone.mp4", [picture(1)] * 2, rotation=90)
    result = next(decode(colorize(phone, red, tmp_path / "out.mp4")))
    assert result.shape == (96, 64, 3)
    assert np.abs(luminance(result) - luminance(next(decode(phone)))).mean() < 3


def test_side_by_side_shows_input_reference_and_result(colorize, clip, red, tmp_path):
    shown = frames_of(colorize(clip, red, tmp_path / "out", side_by_side=True))[0]
    assert shown.shape == (64, 2 * 96, 3)
    assert np.ptp(shown[:32, :96].astype(int), axis=-1).max() <= 1  # grey above
    assert tuple(shown[58, 8]) == (200, 60, 60)  # the reference in the corner below
    assert np.ptp(shown[:, 96:].astype(int), axis=-1).mean() > 10


def test_the_releases_finish_saturates(colorize, clip, red, tmp_path):
    plain, finished = (frames_of(colorize(clip, red, tmp_path / name, finish=name))[0] for name in ("none", "release"))
    chroma = [np.hypot(*np.moveaxis(lab_from_rgb(frame)[..., 1:], -1, 0)).mean() for frame in (plain, finished)]
    assert 1.05 < chroma[1] / chroma[0] < 1.3


@pytest.mark.parametrize(
    ("frame", "short_side", "size"),
    [((480, 854), 216, (216, 384)), ((854, 480), 216, (384, 216)), ((61, 83), 216, (64, 80)), ((1, 400), 0, (32, 400))],
)
def test_the_network_sees_multiples_of_eight(frame, short_side, size):
    assert working_size(*frame, short_side) == size


@pytest.mark.parametrize("size", [(1, 40_000), (40_000, 1), (3, 40_000)])
@pytest.mark.parametrize("short_side", [0, 64, 216])
def test_what_is_long_and_thin_is_refused_as_frame_and_as_reference(colorize, network, red, tmp_path, size, short_side):
    write_png(tmp_path / "line.png", np.full((*size, 3), 90, np.uint8))
    write_png(tmp_path / "small.png", np.full((40, 56, 3), 90, np.uint8))
    pairs = [("line.png", red, short_side), ("small.png", tmp_path / "line.png", 216)]
    for given, reference, side in pairs:
        with pytest.raises(CannotColorize, match=rf"line\.png: a picture of {size[1]}x{size[0]} pixels is too long"):
            colorize(tmp_path / given, reference, tmp_path / "out.png", short_side=side)
    assert not network.runs and not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (100, 1400)])
@pytest.mark.parametrize("short_side", [0, 1, 64, 216])
def test_what_is_small_or_14_times_as_long_as_thick_is_coloured(colorize, red, tmp_path, size, short_side):
    write_png(tmp_path / "band.png", np.full((*size, 3), 90, np.uint8))
    assert read_rgb(colorize(tmp_path / "band.png", red, tmp_path / "out.png", short_side=short_side)).shape[:2] == size


def test_colours_go_on_from_frame_to_frame_and_begin_from_nothing(colorize, network, clip, red, tmp_path):
    means = [lab_from_rgb(frame)[..., 1].mean() for frame in frames_of(colorize(clip, red, tmp_path / "out"))]
    assert np.all(np.diff(means[:4]) > 0)  # the stand-in fades in
    assert [last for _, last in network.runs] == [None]


@pytest.fixture
def two_shots(tmp_path, write_video, moving, picture):
    """Grey frames, cut at 12."""
    frames = moving(3, 12) + [255 - frame for frame in moving(4, 8)]
    grey = [np.repeat(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1) for frame in frames]
    return write_video(tmp_path / "shots.mp4", grey)


def test_each_shot_has_its_reference_and_begins_anew(colorize, network, two_shots, red, blue, tmp_path):
    colored = frames_of(colorize(two_shots, [red, blue], tmp_path / "out"))
    assert [last for _, last in network.runs] == [None, None]
    hues = [lab_from_rgb(frame)[..., 1:].mean(axis=(0, 1)) for frame in colored]
    assert all(hue[1] > 0 for hue in hues[:12]) and all(hue[1] < 0 for hue in hues[12:])


def test_one_reference_is_for_all_shots(colorize, network, two_shots, red, tmp_path):
    colorize(two_shots, red, tmp_path / "out")
    assert len(network.runs) == 1


def test_another_number_of_references_lists_the_cuts(colorize, two_shots, red, blue, tmp_path):
    with pytest.raises(CannotColorize, match=r"3 references.* 2 shots.* frame 12 \(0\.48 s\)"):
        colorize(two_shots, [red, blue, red], tmp_path / "out")
    with pytest.raises(CannotColorize, match="no reference"):
        colorize(two_shots, [], tmp_path / "out")


class Stopped(Exception):
    pass


def stop_after(monkeypatch, frames):
    """The next run breaks off at this frame, as a kill would, but for the cleaning up."""
    painted, left = video.Painter.painted, iter(range(frames))

    def stopping(self, colored):
        if next(left, None) is None:
            raise Stopped
        return painted(self, colored)

    monkeypatch.setattr(video.Painter, "painted", stopping)


@pytest.mark.parametrize("name", ["out.mp4", "out"])
@pytest.mark.parametrize("stopped_at", [2, 6, 9])
def test_a_stopped_run_goes_on(colorize, clip, red, tmp_path, monkeypatch, capsys, name, stopped_at):
    whole = colorize(clip, red, tmp_path / "whole" / name)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_after(patch, stopped_at)
        colorize(clip, red, tmp_path / name)
    assert not (tmp_path / name).exists()
    resumed = colorize(clip, red, tmp_path / name)
    done = stopped_at // 4 * 4
    assert (f"going on after {done} frames" in capsys.readouterr().out) == (done > 0)
    read = frames_of if name == "out" else lambda path: list(decode(path))
    np.testing.assert_array_equal(read(resumed), read(whole))
    assert not (tmp_path / f"{name}.parts").exists()


@pytest.mark.parametrize("name", ["out.mp4", "out"])
@pytest.mark.parametrize("segment", [0, 1])
def test_a_segment_that_is_not_as_it_was_written_is_coloured_again(
    colorize, clip, red, tmp_path, monkeypatch, capsys, name, segment
):
    whole = colorize(clip, red, tmp_path / "whole" / name)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_after(patch, 9)
        colorize(clip, red, tmp_path / name)
    parts = tmp_path / f"{name}.parts"
    file = parts / f"{segment:05d}.mp4" if name == "out.mp4" else frame_path(parts / "frames", 4 * segment + 1)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    resumed = colorize(clip, red, tmp_path / name)
    assert f"{file}: is not what was written" in capsys.readouterr().out
    read = frames_of if name == "out" else lambda path: list(decode(path))
    np.testing.assert_array_equal(read(resumed), read(whole))


def test_nothing_is_deleted_where_the_joined_video_lacks_frames(colorize, clip, red, tmp_path, monkeypatch):
    join = segments.join
    with monkeypatch.context() as patch:
        patch.setattr(segments, "join", lambda videos, output, sound: join(videos[:-1], output, sound))
        with pytest.raises(MachineFault, match=r"joined\.mp4: has 8 frames after 10 were written"):
            colorize(clip, red, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
    assert len(list(decode(colorize(clip, red, tmp_path / "out.mp4")))) == 10


@pytest.mark.parametrize("name", ["out.mp4", "out"])
def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(colorize, clip, red, tmp_path, monkeypatch, capsys, name):
    whole = colorize(clip, red, tmp_path / "whole" / name)
    painted, left = video.Painter.painted, iter(range(6))

    def painted_until_full(self, colored):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return painted(self, colored)

    with monkeypatch.context() as patch:
        patch.setattr(video.Painter, "painted", painted_until_full)
        with pytest.raises(MachineFault, match=r"out(\.mp4)? is not finished.*No space left on device"):
            colorize(clip, red, tmp_path / name)
    assert not list((tmp_path / f"{name}.parts").rglob(".*"))
    resumed = colorize(clip, red, tmp_path / name)
    assert "going on after 4 frames" in capsys.readouterr().out
    read = frames_of if name == "out" else lambda path: list(decode(path))
    np.testing.assert_array_equal(read(resumed), read(whole))


def test_an_input_that_changes_meanwhile_is_noticed(colorize, clip, red, tmp_path, monkeypatch):
    painted = video.Painter.painted

    def touched(self, colored):
        os.utime(clip)
        return painted(self, colored)

    with monkeypatch.context() as patch:
        patch.setattr(video.Painter, "painted", touched)
        with pytest.raises(CannotColorize, match="was changed while it was coloured"):
            colorize(clip, red, tmp_path / "out")
    assert len(frames_of(colorize(clip, red, tmp_path / "out"))) == 10


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_colours_that_are_not_finite_are_not_written(colorize, network, clip, red, tmp_path, monkeypatch, value):
    given = network.colorize

    def broken(*arguments):
        for index, ab in enumerate(given(*arguments)):
            yield np.where(index == 5, np.float32(value), ab)

    monkeypatch.setattr(network, "colorize", broken)
    with pytest.raises(CannotColorize, match="weights: the network gives values that are not finite"):
        colorize(clip, red, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(("how", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_command_with_a_sentence(
    colorize, clip, red, tmp_path, monkeypatch, command, capsys, how, status
):
    def signaled(self, colored):
        signal.raise_signal(how)

    monkeypatch.setattr(video.Painter, "painted", signaled)
    monkeypatch.setattr("media.stopping._leave_threads", lambda status: None)  # other tests may have left some here
    given = ("--input", clip, "--reference", red, "--weights", tmp_path / "weights", "--output", tmp_path / "o")
    assert command(*given) == status
    said = capsys.readouterr().err
    assert f"stopped by {how.name}: what is finished stays" in said and "Traceback" not in said
    assert signal.getsignal(how) in (signal.SIG_DFL, signal.default_int_handler)


def test_a_run_goes_on_inside_the_second_shot(colorize, network, two_shots, red, blue, tmp_path, monkeypatch):
    whole = colorize(two_shots, [red, blue], tmp_path / "whole")
    for stopped_at in (13, 5):  # frame 12, where the shot begins, and then frame 16
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            stop_after(patch, stopped_at)
            colorize(two_shots, [red, blue], tmp_path / "out")
    resumed = colorize(two_shots, [red, blue], tmp_path / "out")
    np.testing.assert_array_equal(frames_of(resumed), frames_of(whole))
    assert [last is None for _, last in network.runs] == [True, True, True, True, True, False]


def test_parts_of_another_recipe_are_not_gone_on_with(colorize, clip, red, blue, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_after(patch, 5)
        colorize(clip, red, tmp_path / "out")
    result = colorize(clip, blue, tmp_path / "out")
    assert "other references" in capsys.readouterr().out
    np.testing.assert_array_equal(frames_of(result), frames_of(colorize(clip, blue, tmp_path / "whole")))


def test_parts_of_another_device_are_not_gone_on_with(colorize, clip, red, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_after(patch, 5)
        colorize(clip, red, tmp_path / "out", device="cpu")
    with monkeypatch.context() as patch:
        patch.setattr("torch.cuda.is_available", lambda: True)
        colorize(clip, red, tmp_path / "out")
    assert "other device" in capsys.readouterr().out


@pytest.mark.parametrize("first", ["a video", "a folder"])
def test_parts_of_another_kind_of_output_are_not_gone_on_with(
    colorize, clip, red, tmp_path, monkeypatch, capsys, first
):
    output = tmp_path / "out.mp4"
    if first == "a folder":
        output.mkdir()
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_after(patch, 5)
        colorize(clip, red, output)
    if first == "a folder":
        output.rmdir()
    else:
        output.mkdir()
    colorize(clip, red, output)
    assert "other kind of output; starting anew" in capsys.readouterr().out
    assert len(list(decode(output)) if first == "a folder" else frames_of(output)) == 10
    assert not output.with_name("out.mp4.parts").exists()


def test_parts_of_other_weights_are_not_gone_on_with(colorize, clip, red, tmp_path, monkeypatch, capsys):
    for backbone in ("a", "b"):
        monkeypatch.setattr(video.checkpoint, "contents_of", lambda *_, made=backbone: {"backbone.pth": made})
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            stop_after(patch, 5)
            colorize(clip, red, tmp_path / "out")
    assert "other weights; starting anew" in capsys.readouterr().out


def test_two_runs_do_not_write_one_output_at_a_time(colorize, clip, red, tmp_path, monkeypatch):
    at_once = []

    def painted(self, colored):
        if not at_once:
            with pytest.raises(StillWriting) as stopped:
                colorize(clip, red, tmp_path / "out.mp4")
            at_once.append(str(stopped.value))
        return colored.frame

    monkeypatch.setattr(video.Painter, "painted", painted)
    colorize(clip, red, tmp_path / "out.mp4")
    assert "out.mp4: process" in at_once[0] and "wait until it has ended" in at_once[0]
    assert len(list(decode(tmp_path / "out.mp4"))) == 10
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "out.mp4."))]


def test_a_gpu_that_is_not_there_is_refused(colorize, clip, red, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(CannotColorize, match="--device is cuda"):
        colorize(clip, red, tmp_path / "out", device="cuda")


def test_fresh_starts_anew_but_spares_what_is_not_ours(colorize, network, clip, red, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        stop_after(patch, 5)
        colorize(clip, red, tmp_path / "out")
    colorize(clip, red, tmp_path / "out", fresh=True)
    assert [last for _, last in network.runs] == [None, None]
    (tmp_path / "other.parts").mkdir()
    (tmp_path / "other.parts" / "diary.txt").touch()
    with pytest.raises(CannotColorize, match="not ours"):
        colorize(clip, red, tmp_path / "other", fresh=True)


@pytest.fixture(params=["paper", "aligned"])
def tiny_weights(tmp_path, request):
    """A random model that colours loudly: the paper's, or one of aligned history and gated output."""
    from colorize import checkpoint
    from colorize.model import ExemplarModel
    from vision.backbones import load_backbone

    aligned = {"matching": "context", "history": "aligned", "output": "gated"}
    choices = {"width": 0.125} | (aligned if request.param == "aligned" else {})
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), **choices)
    torch.nn.init.normal_(model.colorization.output_layer.weight, std=0.3)  # it starts at grey, or at a plain blend
    checkpoint.save(model, tmp_path / "tiny.safetensors", {"backbone": "efficientnet_lite0", **choices})
    return tmp_path / "tiny.safetensors"


def test_the_command_colours_on_the_cpu(tiny_weights, clip, red, tmp_path, command):
    given = ("--input", clip, "--reference", red, "--weights", tiny_weights, "--output", tmp_path / "out")
    assert command(*given, "--device", "cpu", "--short-side", "32") is None
    assert len(frames_of(tmp_path / "out")) == 10


@pytest.fixture
def release(tmp_path):
    """The published networks with deterministic weights, and a folder with their files, named as published."""
    import copy

    from bench.parity.release import named_networks

    model = copy.deepcopy(named_networks.model())
    folder = tmp_path / "release"
    folder.mkdir()
    torch.save(model.correspondence.state_dict(), folder / "nonlocal_net_iter_76000.pth")
    torch.save(model.colorization.state_dict(), folder / "colornet_iter_76000.pth")
    torch.save(model.backbone.state_dict(), folder / "vgg19_conv.pth")
    return model, folder


def test_the_command_takes_the_published_files_and_finishes_as_published(release, tmp_path, picture, command):
    model, folder = release
    model.temperature = 1e-10
    frames = [picture(seed, 32, 48) for seed in (5, 6)]
    for index, frame in enumerate(frames):
        write_png(frame_path(tmp_path / "grey", index), frame)
    write_png(tmp_path / "reference.png", picture(7, 32, 48))
    given = ("--input", tmp_path / "grey", "--reference", tmp_path / "reference.png", "--weights", folder)
    given += ("--output", tmp_path / "out", "--finish", "release", "--device", "cpu")
    assert command(*given) is None

    luminances = [luminance(frame) for frame in frames]
    colors = list(Colorizer(model).colorize(iter(luminances), lab_from_rgb(picture(7, 32, 48))))
    for result, light, ab in zip(frames_of(tmp_path / "out"), luminances, colors, strict=True):
        lab = np.concatenate([light[..., None], finished(light, ab)], axis=-1)
        np.testing.assert_allclose(result.astype(int), clipped_rgb_from_lab(lab), atol=1)
        assert np.abs(result.astype(int) - with_luminance(light, ab)).mean() > 3


@pytest.mark.parametrize("place", ["open_clip", "shrunk_reference", "open_colorizer", "shots_of"])
@pytest.mark.parametrize("error", [MemoryError(), av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory")])
def test_too_little_memory_before_the_work_begins_is_one_sentence(
    network, clip, red, tmp_path, monkeypatch, command, place, error
):
    monkeypatch.setattr(video, place, Mock(side_effect=error))
    (said,) = command("--input", clip, "--reference", red, "--output", tmp_path / "out").splitlines()
    assert said.startswith("error: ") and "MemoryError" in said
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "out"))]


def test_a_library_that_finds_no_memory_is_one_sentence(clip, red, tmp_path, monkeypatch, command):
    said = ImportError("libtorch_cpu.so: failed to map segment from shared object")
    loaded = builtins.__import__

    def importing(name, *others, **more):
        if name == "colorize.inference.video":
            raise said
        return loaded(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", importing)
    (line,) = command("--input", clip, "--reference", red, "--output", tmp_path / "out").splitlines()
    assert line.startswith("error: ") and str(said) in line


def test_what_ffmpeg_cannot_write_is_one_sentence(colorize, clip, red, tmp_path, monkeypatch):
    refused = av.error.ExternalError(542398533, "Generic error in an external library")
    monkeypatch.setattr(VideoWriter, "add", Mock(side_effect=refused))
    with pytest.raises(CannotColorize, match=r"out\.mp4: FFmpeg cannot write it"):
        colorize(clip, red, tmp_path / "out.mp4")


@pytest.mark.parametrize("option", ["input", "reference", "weights"])
def test_a_pipe_is_not_waited_for(clip, red, tmp_path, command, option):
    given = {"input": clip, "reference": red, "output": tmp_path / "out"}
    given[option] = tmp_path / {"input": "pipe.mp4", "reference": "pipe.png", "weights": "pipe.safetensors"}[option]
    os.mkfifo(given[option])
    said = command(*(word for name, path in given.items() for word in (f"--{name}", path)))
    assert said.startswith(f"error: {given[option]}: ")


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>"])
def test_a_damaged_weights_file_is_said_in_one_sentence(clip, red, tmp_path, content, command):
    (tmp_path / "bad.safetensors").write_bytes(content)
    given = ("--input", clip, "--reference", red, "--weights", tmp_path / "bad.safetensors", "--output", tmp_path / "o")
    (said,) = command(*given).splitlines()
    assert said.startswith("error: ") and "bad.safetensors" in said


def test_a_killed_process_goes_on_to_the_same_video(tiny_weights, tmp_path, write_video, moving, red, processes, capfd):
    torch.set_num_threads(1)  # as the process has
    clip = write_video(tmp_path / "clip.mp4", moving(0, 120, height=48, width=64))
    given = {"weights": tiny_weights, "short_side": 32, "device": "cpu"}
    killed = processes.Process(target=colorize_video, args=(clip, [red], tmp_path / "out.mp4"), kwargs=given)
    killed.start()
    while not (tmp_path / "out.mp4.parts" / "state.npz").exists() and killed.is_alive():
        time.sleep(0.01)
    killed.kill()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL and not (tmp_path / "out.mp4").exists()
    capfd.readouterr()
    colorize_video(clip, [red], tmp_path / "out.mp4", **given)
    said = capfd.readouterr()
    assert "going on after 100 frames" in said.out and "120/120" in said.err
    colorize_video(clip, [red], tmp_path / "whole.mp4", **given)
    two = [list(decode_timed(tmp_path / name)) for name in ("out.mp4", "whole.mp4")]
    assert [f.pts for f in two[0]] == [f.pts for f in two[1]] and len(two[0]) == 120
    np.testing.assert_array_equal(*([frame.rgb for frame in frames] for frames in two))


@pytest.mark.parametrize("size", [(120, 1), (1, 120), (47, 63), (96, 40)])
@pytest.mark.parametrize("side_by_side", [False, True])
def test_every_size_of_video(colorize, red, tmp_path, picture, size, side_by_side):
    with VideoWriter(tmp_path / "odd.mp4", Fraction(1, 25), Fraction(25)) as writer:
        writer.add(TimedFrame(picture(0, *size), 0, 1))
    output = colorize(tmp_path / "odd.mp4", red, tmp_path / "out.mp4", finish="release", side_by_side=side_by_side)
    (frame,) = decode(output)
    assert frame.shape == (size[0], size[1] * (1 + side_by_side), 3)


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "a.jpg"), ("P", "a.png"), ("RGBA", "a.png"), ("L", "a.png")])
def test_every_kind_of_image_is_coloured(colorize, red, tmp_path, picture, mode, name):
    image = Image.fromarray(picture(0)).convert(mode)
    image.save(tmp_path / name)
    result = colorize(tmp_path / name, red, tmp_path / f"out-{name}")
    assert np.abs(luminance(read_rgb(result)) - luminance(read_rgb(tmp_path / name))).mean() < 1.5


def test_a_sixteen_bit_scan_is_coloured(colorize, red, tmp_path):
    grey = np.linspace(0, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "scan.png"), grey)
    result = read_rgb(colorize(tmp_path / "scan.png", red, tmp_path / "out.png"))
    expected = luminance(np.repeat((grey >> 8).astype(np.uint8)[..., None], 3, axis=-1))
    assert np.median(np.abs(luminance(result) - expected)) < 0.5


def test_a_photograph_is_turned_upright(colorize, red, tmp_path, picture):
    image = Image.fromarray(picture(0))
    exif = image.getexif()
    exif[0x112] = 6
    image.save(tmp_path / "lying.jpg", exif=exif)
    assert read_rgb(colorize(tmp_path / "lying.jpg", red, tmp_path / "out.png")).shape == (96, 64, 3)


def test_a_folder_of_frames_is_taken_in_natural_order(colorize, red, tmp_path):
    for number, level in ((8, 40), (9, 90), (10, 140)):
        write_png(tmp_path / "frames" / f"f{number}.png", np.full((32, 48, 3), level, np.uint8))
    still = frames_of(colorize(tmp_path / "frames", red, tmp_path / "out"))
    video_file = colorize(tmp_path / "frames", red, tmp_path / "out.mp4", fps=12.5)
    for frames in (still, decode(video_file)):
        np.testing.assert_allclose([luminance(frame).mean() for frame in frames], [16.1, 38.2, 58.4], atol=1)
    assert describe(video_file).fps == 12.5


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), -float("inf"), 1e-9, 1e-4, 1001, 1e300])
def test_a_rate_that_no_video_has_is_refused_before_anything_is_made(colorize, red, tmp_path, fps):
    write_png(tmp_path / "frames" / "0.png", np.full((32, 48, 3), 40, np.uint8))
    with pytest.raises(CannotColorize, match=r"--fps is .*expected frames a second, 0\.001 to 1000"):
        colorize(tmp_path / "frames", red, tmp_path / "made" / "out.mp4", fps=fps)
    assert not (tmp_path / "made").exists()


def test_frames_of_different_sizes_are_refused(colorize, red, tmp_path, picture):
    for index, size in enumerate([(32, 48), (32, 48), (32, 40)]):
        write_png(frame_path(tmp_path / "mixed", index), picture(0, *size))
    with pytest.raises(CannotColorize, match=r"00002\.png.*40x32.*00000\.png.*48x32"):
        colorize(tmp_path / "mixed", red, tmp_path / "out")


def test_a_cut_off_video_gives_its_frames_and_then_fails(colorize, red, tmp_path, write_video, moving):
    path = write_video(tmp_path / "cut.mp4", moving(0, 60), movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(TruncatedVideo, match=r"cut\.mp4: \d+ of 60 .*out\.mp4"):
        colorize(path, red, tmp_path / "out.mp4")
    assert 0 < len(list(decode(tmp_path / "out.mp4"))) < 60


def test_a_broken_frame_is_named_and_can_be_mended(colorize, red, tmp_path, picture):
    for index in range(6):
        write_png(frame_path(tmp_path / "frames", index), picture(index))
    good = frame_path(tmp_path / "frames", 5).read_bytes()
    frame_path(tmp_path / "frames", 5).write_bytes(good[: len(good) // 2])
    with pytest.raises(CorruptImage, match=r"00005\.png"):
        colorize(tmp_path / "frames", red, tmp_path / "out")
    frame_path(tmp_path / "frames", 5).write_bytes(good)
    assert len(frames_of(colorize(tmp_path / "frames", red, tmp_path / "out"))) == 6


def test_a_grey_reference_is_warned_about(colorize, clip, tmp_path, picture):
    Image.fromarray(picture(0)).convert("L").save(tmp_path / "grey.jpg")
    with pytest.warns(UserWarning, match=r"grey\.jpg.* grey"):
        colorize(clip, tmp_path / "grey.jpg", tmp_path / "out")


def test_text_is_no_video(colorize, red, tmp_path):
    (tmp_path / "notes.mp4").write_text("Greetings.\n" * 99)
    with pytest.raises(NotAVideo):
        colorize(tmp_path / "notes.mp4", red, tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("out.avi", r"out\.avi.*\.mp4"),
        ("out.bmp", r"out\.bmp.*only read"),
        ("out.png", r"out\.png.*one frame"),
        ("clip.mp4", r"clip\.mp4: is an input"),
        ("red.png", r"red\.png: is an input"),
        ("full", "not an empty folder"),
    ],
)
def test_outputs_that_cannot_be_are_refused(colorize, clip, red, tmp_path, output, message):
    write_png(tmp_path / "full" / "mine.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(CannotColorize, match=message):
        colorize(clip, red, tmp_path / output)
    assert len(list((tmp_path / "full").iterdir())) == 1 and len(list(decode(clip))) == 10


@pytest.mark.parametrize("missing", ["--input", "--reference", "--weights"])
def test_what_is_missing_is_said_in_one_sentence(clip, red, tmp_path, missing, command):
    (tmp_path / "some.safetensors").touch()
    given = {"--input": clip, "--reference": red, "--weights": tmp_path / "some.safetensors"}
    given |= {missing: tmp_path / "gone.mp4", "--output": tmp_path / "out.mp4"}
    (said,) = command(*(part for option in given.items() for part in option)).splitlines()
    assert said.startswith(f"error: {tmp_path / 'gone.mp4'}: no such")


def test_a_process_that_fails_says_nothing_besides_its_sentence(clip, red, tmp_path):
    done = process("--input", clip, "--reference", red, "--weights", tmp_path / "gone", "--output", tmp_path / "o.mp4")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "gone" in done.stderr


def test_help_is_quick():
    code = "import sys, colorize.__main__; sys.exit('torch' in sys.modules or 'av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_published_model_is_fetched_on_first_use(site, tmp_path, command, capsys, monkeypatch, picture):
    archive = BytesIO()
    with ZipFile(archive, "w") as opened:
        for name in ("checkpoints/video_moredata_l1/colornet_iter_76000.pth", "data/vgg19_conv.pth"):
            opened.writestr(name, "weights")
    site.files["/release.zip"] = archive.getvalue()
    names = ("colornet_iter_76000.pth", "vgg19_conv.pth")
    files = [WeightFile(name, "its page", archive=f"{site.address}/release.zip", size="131 MB") for name in names]
    monkeypatch.setattr(video, "RELEASE_FILES", files)
    write_png(tmp_path / "grey.png", picture(1, 32, 48))
    given = ["--reference", tmp_path / "grey.png", "--output", tmp_path / "out.png"]
    given += ["--weights-dir", tmp_path / "external", "--device", "cpu"]
    opened = []

    def open_colorizer(weights, *_):
        opened.append(weights)
        raise CannotColorize("seen")

    monkeypatch.setattr(video, "open_colorizer", open_colorizer)
    assert "none.png" in command("--input", tmp_path / "none.png", *given, "--weights", "release")
    given += ["--input", tmp_path / "grey.png"]
    assert command(*given, "--weights", "./release") == "error: seen"
    assert not site.asked and opened == [Path("release")]
    for _ in range(2):
        assert command(*given, "--weights", "release") == "error: seen"
    assert opened[1:] == [tmp_path / "external"] * 2 and len(site.asked) == 1
    assert sorted(path.name for path in (tmp_path / "external").iterdir()) == list(names)
    assert "colornet_iter_76000.pth: 131 MB; licence" in capsys.readouterr().out

    (tmp_path / "external/vgg19_conv.pth").unlink()
    site.files.clear()
    assert "release.zip: the server says 404" in command(*given, "--weights", "release") and len(opened) == 3
