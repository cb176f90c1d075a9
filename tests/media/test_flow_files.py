"""The flow file and the warp: directions, units, borders."""

import numpy as np
import pytest

from media.flow_files import read_kitti, warp, warp_tensor, write_kitti


def test_kitti_round_trip_is_within_half_a_step(tmp_path):
    rng = np.random.default_rng(0)
    flow = rng.uniform(-500, 500, (20, 30, 2)).astype(np.float32)
    visible = rng.random((20, 30)) > 0.5
    write_kitti(tmp_path / "a" / "00000.png", flow, visible)
    got, mask = read_kitti(tmp_path / "a" / "00000.png")
    assert np.abs(got - flow).max() <= 1 / 128
    np.testing.assert_array_equal(mask, visible)


def test_kitti_is_the_standard_layout(tmp_path):
    """16-bit RGB PNG: u, v, valid, with u * 64 + 2^15."""
    import png

    write_kitti(tmp_path / "f.png", np.full((2, 3, 2), (1.5, -2.0), np.float32), np.ones((2, 3), bool))
    width, height, rows, info = png.Reader(str(tmp_path / "f.png")).read()
    assert (width, height, info["bitdepth"], info["planes"]) == (3, 2, 16, 3)
    assert list(next(iter(rows)))[:3] == [32768 + 96, 32768 - 128, 1]


def test_flow_outside_the_format_is_invalid(tmp_path):
    write_kitti(tmp_path / "f.png", np.full((2, 2, 2), 600, np.float32), np.ones((2, 2), bool))
    assert not read_kitti(tmp_path / "f.png")[1].any()


@pytest.mark.filterwarnings("error")
def test_flow_that_is_no_number_is_invalid(tmp_path):
    flow = np.zeros((4, 5, 2), np.float32)
    flow[1, 2, 0], flow[2, 3, 1], flow[3, 4, 0] = np.nan, np.inf, -np.inf
    write_kitti(tmp_path / "f.png", flow, np.ones((4, 5), bool))
    flow, visible = read_kitti(tmp_path / "f.png")
    assert sorted(zip(*np.nonzero(~visible), strict=True)) == [(1, 2), (2, 3), (3, 4)]
    assert np.isfinite(flow).all()


@pytest.mark.parametrize(
    "flow, stored",
    [
        (-512, 0),  # the ends of the range
        (512 - 1 / 64, 65535),
        (511.99, 65535),  # rounds down to the last step
        (1 / 128, 32768),  # half a step: to the even one
        (3 / 128, 32770),
        (-1 / 128, 32768),
        (np.nextafter(np.float32(1 / 128), np.float32(1)), 32769),  # in float32, adding 2^15 would lose the difference
    ],
)
def test_kitti_rounds_once_and_to_even(tmp_path, flow, stored):
    import cv2

    write_kitti(tmp_path / "f.png", np.full((2, 2, 2), flow, np.float32), np.ones((2, 2), bool))
    assert (cv2.imread(str(tmp_path / "f.png"), cv2.IMREAD_UNCHANGED) == (1, stored, stored)).all()


def test_kitti_does_not_change_what_it_is_given(tmp_path):
    flow, visible = np.full((2, 2, 2), 600, np.float32), np.ones((2, 2), bool)
    write_kitti(tmp_path / "f.png", flow, visible)
    assert visible.all() and (flow == 600).all()


def test_another_png_is_refused(tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "f.png"), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(OSError, match="KITTI"):
        read_kitti(tmp_path / "f.png")


def test_warp_samples_to_the_right_and_down():
    image = np.arange(30, dtype=np.float32).reshape(5, 6)
    flow = np.zeros((5, 6, 2), np.float32) + (1, 2)
    np.testing.assert_allclose(warp(image, flow)[:3, :5], image[2:, 1:])
    half = np.zeros((5, 6, 2), np.float32) + (0.5, 0)
    np.testing.assert_allclose(warp(image, half)[:, :5], (image[:, :5] + image[:, 1:]) / 2)


def test_warp_borders():
    image = np.ones((4, 4), np.float32)
    flow = np.zeros((4, 4, 2), np.float32) + (0.5, 0)
    assert warp(image, flow)[0, 3] == 1
    assert warp(image, flow, outside="zeros")[0, 3] == 0.5
    assert warp(image, flow + 5, outside="zeros").max() == 0


@pytest.mark.parametrize("outside", ["replicate", "zeros"])
def test_tensors_are_warped_alike(outside):
    import torch

    rng = np.random.default_rng(0)
    image, flow = rng.normal(size=(12, 17, 2)).astype(np.float32), rng.normal(size=(12, 17, 2)).astype(np.float32) * 3
    tensors = (torch.from_numpy(x).permute(2, 0, 1)[None] for x in (image, flow))
    expected = warp_tensor(*tensors, outside)[0].permute(1, 2, 0)
    np.testing.assert_allclose(warp(image, flow, outside), expected, atol=1e-5)
