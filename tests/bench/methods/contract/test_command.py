"""Rows `command`: any program, through folders of PNG frames."""

import numpy as np
import pytest

from bench.methods.contract.command import CommandFailed
from bench.methods.contract.method import Given
from bench.methods.contract.rows import load
from media.color import lab_from_rgb
from media.image import write_png


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
