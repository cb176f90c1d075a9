"""Flow estimators: the convention, on a known motion, and ptlflow with a checkpoint made here."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from vision.flow import load_estimator
from vision.weights import MissingWeights


@pytest.fixture
def moved():
    """A texture, and the same moved 3 px right and 2 px down."""
    texture = gaussian_filter(np.random.default_rng(0).normal(size=(120, 160)), 2)
    texture = np.uint8(255 * (texture - texture.min()) / np.ptp(texture))
    return texture, np.roll(texture, (2, 3), axis=(0, 1))


@pytest.mark.parametrize("name", ["dis", "farneback"])
def test_flow_is_right_then_down_in_pixels(moved, name):
    flow = load_estimator(name, "nowhere")(*moved)
    assert flow.shape == (120, 160, 2) and flow.dtype == np.float32
    np.testing.assert_allclose(np.median(flow[20:-20, 20:-20], axis=(0, 1)), [3, 2], atol=0.1)


@pytest.mark.parametrize("name", ["dis", "farneback"])
@pytest.mark.parametrize("size", [(32, 40), (36, 44), (120, 160)])
def test_flow_does_not_depend_on_what_came_before(moved, name, size):
    first, second = (image[: size[0], : size[1]].copy() for image in moved)
    estimator = load_estimator(name, "nowhere")
    alone = estimator(first, second)
    estimator(second[:32, :40].copy(), first[:32, :40].copy())
    np.testing.assert_array_equal(estimator(first, second), alone)


def test_ptlflow_model_reads_a_local_checkpoint(tmp_path, moved):
    import ptlflow

    torch.manual_seed(0)
    model = ptlflow.get_model("raft_small")
    with pytest.raises(MissingWeights, match="raft_small"):
        load_estimator("ptlflow:raft_small", tmp_path)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "raft_small.ckpt")
    flow = load_estimator("ptlflow:raft_small", tmp_path)(*moved)
    images = torch.from_numpy(np.stack(moved)).float()[None, :, None].expand(-1, -1, 3, -1, -1) / 255
    with torch.no_grad():
        expected = model.eval()({"images": images})["flows"][0, 0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(flow, expected, atol=1e-5)


def test_unknown_estimator_lists_the_known():
    with pytest.raises(ValueError, match="farneback"):
        load_estimator("diss", "nowhere")
