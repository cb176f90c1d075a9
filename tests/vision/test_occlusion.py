"""The Ruder mask against the maps of the authors' own program."""

from pathlib import Path

import numpy as np
import pytest

from vision.occlusion import ruder_map, ruder_mask

VECTORS = np.load(Path(__file__).with_name("ruder2016.npz"))


@pytest.mark.parametrize("case", ["clipA", "clipB", "zero_flow", "constant_translation"])
def test_equals_the_authors_program(case):
    forward, backward, expected = (VECTORS[f"{case}/{name}"] for name in ("fw", "bw", "map"))
    pairs = zip(forward, backward, strict=True) if forward.ndim == 4 else [(forward, backward)]
    got = np.stack([ruder_map(fw, bw) for fw, bw in pairs]).reshape(expected.shape)
    assert np.abs(got.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(got >= 240, expected >= 240)


def test_a_covered_object_is_unreliable():
    """A square moves over a still background: what it covers has no counterpart in the next frame."""
    forward, backward = np.zeros((40, 60, 2), np.float32), np.zeros((40, 60, 2), np.float32)
    forward[10:30, 10:30, 0] = 8
    backward[10:30, 18:38, 0] = -8
    mask = ruder_mask(forward, backward)
    assert not mask[12:28, 31:37].any()  # covered next
    assert mask[14:26, 14:26].all()  # inside the square
    assert mask[34:38, 4:50].all()  # still background
