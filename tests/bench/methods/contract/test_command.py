"""Rows `command`: any program, through folders of PNG frames."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from bench.methods.contract import command
from bench.methods.contract.command import CommandFailed
from bench.methods.contract.method import Given
from bench.methods.contract.rows import deciding_options, load
from media.color import lab_from_rgb
from media.faults import MachineFault
from media.image import write_png
from media.numbering import UnclearFolder


@pytest.fixture
def clip(toy_lab, toy_given):
    """A function that runs a shell line on the toy clip."""

    def run(line: str, given: Given = toy_given) -> list[np.ndarray]:
        frames = (lab[..., 0] for lab in toy_lab)
        return list(load("row", {"command": line}).colorize(frames, given))

    return run


def test_program_sees_grey_frames(clip):
    found = clip("cp {frames}/* {output}")
    assert len(found) == 5
    np.testing.assert_allclose(found, 0, atol=0.01)


def test_program_sees_the_reference(toy_lab):
    given = Given("images", "a", reference=toy_lab[0])
    method = load("row", {"command": "test -f {frames}/00000.png && cp {reference} {output}/00000.png"})
    (found,) = method.colorize(iter([toy_lab[0][..., 0]]), given)
    np.testing.assert_allclose(found, toy_lab[0][..., 1:], atol=0.01)


def test_first_frame_stands_in_for_the_reference(toy_lab):
    options = {"command": "cp {reference} {output}/0.png; true {frames}", "given": {"clips": ["first_frame"]}}
    (found,) = load("row", options).colorize(iter([toy_lab[1][..., 0]]), Given("clips", "a", first_frame=toy_lab[0]))
    np.testing.assert_allclose(found, toy_lab[0][..., 1:], atol=0.01)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("echo out of memory >&2; exit 3; cp {frames} {output}", "exit status 3 .*stderr ends: out of memory"),
        ("cp {frames}/00000.png {output}; echo only one >&2", "expected 5 frames in {output}, found 1.*only one"),
        ("cp {frames}/* {output}; cp {reference} {output}/00003.png", r"00003.png: expected the size \(48, 64\)"),
    ],
)
def test_failure_carries_the_programs_words(clip, line, expected):
    with pytest.raises(CommandFailed, match=expected):
        clip(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("no-such-program-at-all {frames} {output}", "exit status 127 .*finds no such program"),
        ("kill -s KILL $$; cp {frames} {output}", "exit status -9 .*memory is used up"),
        ("python -c 'import os; os.kill(os.getpid(), 9)'; exit $?; cp {frames} {output}", "exit status 137 .*memory"),
        (
            "echo 'OSError: [Errno 5] Input/output error' >&2; exit 1; cp {frames} {output}",
            "Input/output error: mend it",
        ),
    ],
)
def test_what_is_no_items_fault_ends_the_job(clip, line, expected):
    with pytest.raises(MachineFault, match=f"(?s){expected}"):
        clip(line)


def test_another_time_limit_colours_nothing_again():
    assert deciding_options({"command": "x", "timeout": 9}) == deciding_options({"command": "x"}) == {"command": "x"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("mv {output}/00004.png {output}/00005.png", "missing_frames"),
        ("mv {output}/00004.png {output}/'00001 (1).png'", "ambiguous_frames"),
        ("mv {output}/00004.png {output}/preview.png", "ambiguous_frames"),
        ("touch {output}/00005.png.part", "missing_frames"),
    ],
)
def test_as_many_images_as_frames_need_not_be_those_of_the_frames(clip, line, reason):
    with pytest.raises(UnclearFolder, match=r"^\{output\}: ") as caught:
        clip(f"cp {{frames}}/* {{output}}; {line}")
    assert caught.value.reason == reason


def test_other_braces_are_left_to_the_shell(clip):
    found = clip("ls {frames} | awk '{print $1}' | while read f; do cp {frames}/$f {output}; done")
    assert len(found) == 5


def test_a_program_may_take_and_leave_a_video(clip):
    found = clip('cp {video} {output}/result.mp4 && test -z "$(ls {work})"')
    assert [ab.shape for ab in found] == [(48, 64, 2)] * 5
    np.testing.assert_allclose(found, 0, atol=2)


def test_a_video_of_another_length_is_an_error(toy_lab, toy_given, tmp_path):
    longer = (lab[..., 0] for lab in [*toy_lab, toy_lab[0]])
    kept = {"command": f"cp {{video}} {tmp_path}/kept.mp4; cp {{frames}}/* {{output}}"}
    list(load("row", kept).colorize(longer, toy_given))
    method = load("row", {"command": f"cp {tmp_path}/kept.mp4 {{output}}; true {{frames}}"})
    with pytest.raises(CommandFailed, match=r"expected 5 frames in {output}, found 6 in kept.mp4"):
        list(method.colorize((lab[..., 0] for lab in toy_lab), toy_given))


@pytest.mark.parametrize(("size", "fits"), [((24, 32), True), ((96, 130), True), ((64, 64), False)])
def test_output_of_any_size_is_brought_back_to_the_frames(toy_lab, toy_given, tmp_path, size, fits):
    tint = np.full((*size, 3), (200, 120, 90), np.uint8)
    write_png(tmp_path / "tint.png", tint)
    line = f"for frame in {{frames}}/*; do cp {tmp_path}/tint.png {{output}}/$(basename $frame); done"
    method = load("row", {"command": line, "output_size": "any"})
    colored = method.colorize((lab[..., 0] for lab in toy_lab), toy_given)
    if fits:
        np.testing.assert_allclose(list(colored), np.full((5, 48, 64, 2), lab_from_rgb(tint)[0, 0, 1:]), atol=0.01)
    else:  # it was cropped: nobody knows which pixel is which
        with pytest.raises(CommandFailed, match=r"expected the size \(48, 64\), found \(64, 64\)"):
            list(colored)


def test_an_unknown_output_size_is_an_error():
    with pytest.raises(ValueError, match=r"output_size: 'all': expected one of same, any"):
        load("row", {"command": "x {frames} {output}", "output_size": "all"})


def test_line_without_output_is_an_error():
    with pytest.raises(ValueError, match=r"and \{output\} in the shell line"):
        load("row", {"command": "colour {frames}"})


def test_a_slip_in_a_placeholder_is_refused_before_anything_runs():
    with pytest.raises(ValueError, match=r"\{refrence\} stands for nothing; did you mean \{reference\}\?"):
        load("row", {"command": "x {frames} {refrence} {output}"})
    with pytest.raises(ValueError, match=r"\{mask\} stands for nothing; expected \{frames\}, \{video\}"):
        load("row", {"command": "x {frames} {mask} {output}"})


def test_doubled_braces_and_variables_are_the_shells(clip):
    line = "frames={frames}; for f in ${frames}/*; do ls $f | awk '{{print}}' | xargs -I@ cp @ {output}; done"
    assert len(clip(line)) == 5


@pytest.mark.parametrize("seconds", [0, -1, "10", True, float("inf"), float("nan")])
def test_an_impossible_time_limit_is_refused(seconds):
    with pytest.raises(ValueError, match=r"command: timeout: .*: expected the seconds"):
        load("row", {"command": "x {frames} {output}", "timeout": seconds})


def test_a_program_that_takes_too_long_has_failed(toy_lab, toy_given):
    method = load("row", {"command": "echo slow >&2; sleep 600; true {frames} {output}", "timeout": 0.3})
    with pytest.raises(CommandFailed, match=r"not done after 0.3 s \(the row's `timeout`\) and ended.*ends: slow"):
        list(method.colorize((lab[..., 0] for lab in toy_lab), toy_given))


def test_what_a_program_says_is_in_a_log_and_the_error_names_it(toy_lab, toy_given, setting, tmp_path):
    known = dataclasses.replace(setting, log_dir=tmp_path)
    method = load("row", {"command": "yes x | head -c 9999999 >&2; echo out; exit 1; {frames} {output}"}, known)
    with pytest.raises(CommandFailed, match=r"\(all that it said: .*clips/toy\.log\)") as raised:
        list(method.colorize((lab[..., 0] for lab in toy_lab), toy_given))
    assert len(str(raised.value)) < 3000
    assert (tmp_path / "clips" / "toy.log").stat().st_size > 9_999_999


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mkfifo {output}/00003.png", "00003.png in {output} is no file that can be read"),
        ("ln -s /dev/zero {output}/00003.png", "00003.png in {output} is no file that can be read"),
        ("ln -s nowhere {output}/00003.png", "00003.png in {output} is no file that can be read"),
        ("echo text > {output}/00003.png", "00003.png in {output} is no image that can be read"),
        ("mkdir {output}/00003.png", "00003.png in {output} is no file that can be read"),
        ("rm {output}/*; mkfifo {output}/a.mp4", "a.mp4 in {output} is no file that can be read"),
        ("for i in $(seq 3000); do : > {output}/x$i.png; done", "expected 5 frames in {output}, found 3004"),
        ("rm -r {output}", "{output} is no folder any more"),
        ("rm -r {output}; : > {output}", "{output} is no folder any more"),
    ],
)
def test_only_regular_files_are_read(clip, line, expected):
    with pytest.raises(CommandFailed, match=expected):
        clip(f"cp {{frames}}/* {{output}}; rm {{output}}/00003.png; {line}")


def test_a_link_to_a_file_is_a_frame_and_a_hidden_file_is_none(clip):
    assert (
        len(clip("for f in {frames}/*; do ln -s $f {output}; done; : > {output}/.x.png; mkfifo {output}/.y.mp4")) == 5
    )


def test_a_disk_that_is_full_is_no_fault_of_the_item(clip, monkeypatch):
    with pytest.raises(MachineFault, match="The disk is full: make room"):
        clip("echo 'write error: No space left on device' >&2; exit 1; {frames} {output}")
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=4096))
    with pytest.raises(MachineFault, match="expected 5 frames"):
        clip("true {frames} {output}")


def test_lines_of_record_are_bounded_and_what_fails_is_said(monkeypatch):
    monkeypatch.setattr(command, "TIMEOUT_OF_RECORD", 0.3)
    record = {"commit": "echo abc", "weights": "echo half; sleep 600", "input": "read x || echo none; exit 2"}
    method = load("row", {"command": "x {frames} {output}", "record": record})
    late = "not done after 0.3 s and ended"
    assert method.record() == {"commit": ["abc"], "weights": ["half", late], "input": ["none", "exit status 2"]}
