"""Rows `command`: any program, through folders of PNG frames."""

import numpy as np
import pytest

from bench.command import CommandFailed
from bench.method import Given
from bench.rows import load


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
        ("cp {frames}/00000.png {output}; echo only one >&2", "expected 5 PNG frames in {output}, found 1.*only one"),
        ("cp {frames}/* {output}; cp {reference} {output}/00003.png", r"00003.png: expected the size \(48, 64\)"),
    ],
)
def test_failure_carries_the_programs_words(clip, line, expected):
    with pytest.raises(CommandFailed, match=expected):
        clip(line)


def test_other_braces_are_left_to_the_shell(clip):
    found = clip("ls {frames} | awk '{print $1}' | while read f; do cp {frames}/$f {output}; done")
    assert len(found) == 5


def test_line_without_output_is_an_error():
    with pytest.raises(ValueError, match=r"expected \{output\} in the shell line"):
        load("row", {"command": "colour {frames}"})
