"""Flow estimators: the convention, on a known motion; every size; networks with weights made here."""

import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from vision import flow_estimators as flow_module
from vision.flow_estimators import import_ptlflow, load_estimator
from vision.weights import MissingWeights


@pytest.fixture
def moved():
    """A texture (136, 160), and the same moved 3 px right and 2 px down."""
    texture = gaussian_filter(np.random.default_rng(0).normal(size=(136, 160)), 2)
    texture = np.uint8(255 * (texture - texture.min()) / np.ptp(texture))
    return texture, np.roll(texture, (2, 3), axis=(0, 1))


@pytest.fixture(scope="module")
def raft_small_weights():
    """torchvision's small RAFT with random weights, beside the folder that holds them under the published name."""
    from torchvision.models.optical_flow import raft_small

    torch.manual_seed(0)
    return raft_small().eval()


def save_raft_small(network, folder):
    torch.save(network.state_dict(), folder / "raft_small_C_T_V2-01064c6d.pth")


@pytest.mark.parametrize("name", ["dis", "farneback"])
def test_flow_is_right_then_down_in_pixels(moved, name):
    flow = load_estimator(name, "nowhere")(*moved)
    assert flow.shape == (136, 160, 2) and flow.dtype == np.float32
    np.testing.assert_allclose(np.median(flow[20:-20, 20:-20], axis=(0, 1)), [3, 2], atol=0.1)


@pytest.mark.parametrize("name", ["dis", "farneback"])
@pytest.mark.parametrize("size", [(32, 40), (36, 44), (120, 160)])
def test_flow_does_not_depend_on_what_came_before(moved, name, size):
    first, second = (image[: size[0], : size[1]].copy() for image in moved)
    estimator = load_estimator(name, "nowhere")
    alone = estimator(first, second)
    estimator(second[:32, :40].copy(), first[:32, :40].copy())
    np.testing.assert_array_equal(estimator(first, second), alone)


def test_dis_is_opencvs_medium_preset(moved):
    expected = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*moved, None)
    np.testing.assert_array_equal(load_estimator("dis", "nowhere")(*moved), expected)


@pytest.mark.parametrize("name", ["dis", "farneback"])
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (12, 200), (200, 12), (5, 1200)])
def test_small_and_narrow_frames_have_flow(name, size):
    """At 12 x 200, OpenCV's DIS itself ends the program."""
    first, second = np.random.default_rng(0).integers(0, 256, (2, *size), dtype=np.uint8)
    flow = load_estimator(name, "nowhere")(first, second)
    assert flow.shape == (*size, 2) and np.isfinite(flow).all()


@pytest.mark.parametrize("name", ["dis", "farneback"])
@pytest.mark.parametrize("shape, dtype", [((40, 50, 3), np.uint8), ((40, 50), np.float32), ((0, 50), np.uint8)])
def test_other_images_are_refused(name, shape, dtype):
    with pytest.raises(ValueError, match="two 8-bit grey images"):
        load_estimator(name, "nowhere")(np.zeros(shape, dtype), np.zeros(shape, dtype))


def test_raft_is_torchvisions(moved, tmp_path, raft_small_weights):
    save_raft_small(raft_small_weights, tmp_path)
    with pytest.warns(UserWarning, match="published file has 01064c6d"):
        estimator = load_estimator("raft_small", tmp_path)
    first, second = (torch.from_numpy(image)[None, None].repeat(1, 3, 1, 1).float() / 127.5 - 1 for image in moved)
    with torch.no_grad():
        expected = raft_small_weights(first, second)[-1][0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(estimator(*moved), expected, atol=1e-3 * expected.std())


@pytest.mark.filterwarnings("ignore:.*published file")
def test_networks_see_sides_lengthened_on_both_ends(moved, tmp_path, raft_small_weights):
    save_raft_small(raft_small_weights, tmp_path)
    estimator = load_estimator("raft_small", tmp_path)
    whole = [np.pad(image[:130, :37], [(3, 3), (45, 46)], mode="edge") for image in moved]
    flow = estimator(moved[0][:130, :37], moved[1][:130, :37])
    assert flow.shape == (130, 37, 2) and np.isfinite(flow).all()
    np.testing.assert_array_equal(flow, estimator(*whole)[3:-3, 45:-46])


@pytest.mark.filterwarnings("ignore:.*published file")
def test_a_network_serves_several_threads(moved, tmp_path, raft_small_weights):
    save_raft_small(raft_small_weights, tmp_path)
    estimator = load_estimator("raft_small", tmp_path)
    pairs = [moved, moved[::-1]] * 3
    with ThreadPoolExecutor(3) as pool:
        flows = list(pool.map(lambda pair: estimator(*pair), pairs))
    for index in range(2):
        for flow in flows[index::2]:
            np.testing.assert_allclose(flow, flows[index], atol=1e-4)
    assert np.abs(flows[0] - flows[1]).max() > 1e-2


@pytest.mark.parametrize(
    "name, file", [("raft", "raft_large_C_T_SKHT_V2-ff5fadd5.pth"), ("raft_small", "raft_small_C_T_V2-01064c6d.pth")]
)
def test_missing_raft_says_where_it_comes_from(tmp_path, name, file):
    with pytest.raises(MissingWeights, match=f"https://download.pytorch.org/models/{file}"):
        load_estimator(name, tmp_path)


@pytest.mark.filterwarnings("ignore:.*published file")
def test_a_damaged_or_foreign_file_is_explained(tmp_path, raft_small_weights):
    path = tmp_path / "raft_small_C_T_V2-01064c6d.pth"
    path.write_bytes(b"<html>sign in to download</html>")
    with pytest.raises(ValueError, match=f"{path.name}: a web page"):
        load_estimator("raft_small", tmp_path)
    state = raft_small_weights.state_dict()
    torch.save({name: tensor for name, tensor in state.items() if name != "update_block.flow_head.conv2.bias"}, path)
    with pytest.raises(ValueError, match=r"update_block.flow_head.conv2.bias is missing.*another network"):
        load_estimator("raft_small", tmp_path)


def test_raft_matches_the_published_names_of_torchvision():
    from torchvision.models.optical_flow import Raft_Large_Weights, Raft_Small_Weights

    defaults = {"raft": Raft_Large_Weights.DEFAULT, "raft_small": Raft_Small_Weights.DEFAULT}
    assert {name: file.origin for name, file in flow_module.RAFT_FILES.items()} == {
        name: default.url for name, default in defaults.items()
    }


def test_ptlflow_model_reads_a_local_checkpoint(tmp_path, moved):
    torch.manual_seed(0)
    model = import_ptlflow().get_model("raft_small")
    with pytest.raises(MissingWeights, match=r"raft_small\.ckpt.*https://github.com/hmorimitsu/ptlflow"):
        load_estimator("ptlflow:raft_small", tmp_path)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "raft_small.ckpt")
    estimator = load_estimator("ptlflow:raft_small", tmp_path)
    images = torch.from_numpy(np.stack(moved)).float()[None, :, None].expand(-1, -1, 3, -1, -1) / 255
    with torch.no_grad():
        expected = model.eval()({"images": images})["flows"][0, 0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(estimator(*moved), expected, atol=1e-5)
    small = estimator(moved[0][:9, :50], moved[1][:9, :50])
    assert small.shape == (9, 50, 2) and np.isfinite(small).all()


def test_a_checkpoint_of_another_model_is_not_taken(tmp_path):
    """`raft` must not read `raft_small.ckpt`."""
    torch.save({"state_dict": {}}, tmp_path / "raft_small.ckpt")
    with pytest.raises(MissingWeights, match="raft is missing"):
        load_estimator("ptlflow:raft", tmp_path)


def test_ptlflow_is_imported_beside_a_faiss_without_gpu():
    """Where it is installed, it is found again afterwards."""
    before = sys.modules.get("faiss")
    assert import_ptlflow().__name__ == "ptlflow"
    assert sys.modules.get("faiss") is before


def test_unknown_estimator_lists_the_known():
    with pytest.raises(ValueError, match="dis, farneback, raft, raft_small or ptlflow:<model>"):
        load_estimator("diss", "nowhere")
    with pytest.raises(ValueError, match="Choose from"):
        load_estimator("ptlflow:raftt", "nowhere")
