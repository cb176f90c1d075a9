"""FlowNet2: NVIDIA's numbers out of ptlflow's modules, and both published files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.parity.recipe import weight
from vision.flow_estimators import import_ptlflow, load_estimator
from vision.flownet2 import as_nvidia
from vision.weights import MissingWeights

VECTORS = np.load(Path(__file__).with_name("flow_vectors.npz"))
SIZE = (130, 150)  # more than networks are given at least, and no multiple of anything


@pytest.fixture(scope="module")
def ptlflows():
    """ptlflow's own network, with the weights of the vectors (gain 1.4). It has 162 million: there is one of it."""
    network = import_ptlflow().get_model("flownet2").eval().requires_grad_(False)
    for name, tensor in network.state_dict().items():
        tensor.copy_(torch.from_numpy(weight(name, tuple(tensor.shape), gain=1.4)))
    return network


@pytest.fixture(scope="module")
def flows(ptlflows):
    """The vectors' flow by ptlflow's network, and by the same after it was mended; (2, 64, 64)."""
    bgr = torch.from_numpy(np.stack([VECTORS["flownet2/first"], VECTORS["flownet2/second"]])[None, :, ::-1].copy())
    before = ptlflows({"images": bgr})["flows"][0, 0].numpy()
    return before, as_nvidia(ptlflows)({"images": bgr})["flows"][0, 0].numpy()


@pytest.fixture
def pair(picture):
    first = picture(0, SIZE[0], SIZE[1] + 3)[..., 0]
    return first[:, 3:].copy(), first[:, :-3].copy()


def test_equals_nvidias_program(flows):
    expected = VECTORS["flownet2/flow"]
    assert np.abs(flows[1] - expected).max() <= 1e-4 * expected.std()


def test_ptlflows_own_is_another_network(flows):
    """Where this fails, ptlflow was mended: then vision.flownet2 must go."""
    expected = VECTORS["flownet2/flow"]
    assert np.abs(flows[0] - expected).max() > 0.1 * expected.std()


def tiny_file(network, path: Path, **others) -> dict:
    """Write a checkpoint of the network's names and shapes whose tensors repeat one number, so that it is small.

    Every layer is then a sum of means of what it is given, which neither dies away nor grows without bounds.
    """
    state = {
        name: torch.tensor([1.2 / tensor[0].numel() if tensor.ndim > 1 else 0.01]).expand(tensor.shape)
        for name, tensor in network.state_dict().items()
    }
    torch.save({"state_dict": state} | others, path, _use_new_zipfile_serialization=path.suffix == ".ckpt")
    return state


def test_nvidias_file_is_read_into_the_mended_network(flows, ptlflows, tmp_path, pair):
    """As a program of 2018 saves it: the old format, and a best score that is NumPy's number."""
    state = tiny_file(
        ptlflows, tmp_path / "FlowNet2_checkpoint.pth.tar", arch="FlowNet2", epoch=0, best_EPE=np.float64(2)
    )
    flow = load_estimator("ptlflow:flownet2", tmp_path)(*pair)
    ptlflows.load_state_dict(state)  # mended by `flows`
    images = torch.from_numpy(np.stack(pair)).float()[None, :, None].repeat(1, 1, 3, 1, 1) / 255
    expected = ptlflows({"images": images})["flows"][0, 0].permute(1, 2, 0).numpy()
    assert flow.shape == (*SIZE, 2) and flow.dtype == np.float32 and flow.std() > 0
    np.testing.assert_allclose(flow, expected, atol=1e-4 * expected.std())


def test_ptlflows_file_is_read(ptlflows, tmp_path, pair):
    path = tmp_path / "flownet2-things-d63b53a7.ckpt"
    tiny_file(ptlflows, path)
    with pytest.warns(UserWarning, match="published file has d63b53a7"):
        estimator = load_estimator("ptlflow:flownet2", tmp_path)
    small = [image[:20, :37].copy() for image in pair]
    assert estimator(*small).shape == (20, 37, 2) and np.isfinite(estimator(*small)).all()


def test_missing_file_says_both_addresses(tmp_path):
    with pytest.raises(MissingWeights, match=r"(?s)flownet2-things-d63b53a7.ckpt.*github.com/NVIDIA/flownet2-pytorch"):
        load_estimator("ptlflow:flownet2", tmp_path)


def test_two_files_are_not_chosen_between(tmp_path):
    for name in ("FlowNet2_checkpoint.pth.tar", "flownet2-things-d63b53a7.ckpt"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"FlowNet2_checkpoint.*flownet2.ckpt"):
        load_estimator("ptlflow:flownet2", tmp_path)


def test_a_file_of_another_shape_names_the_tensor(ptlflows, tmp_path):
    state = tiny_file(ptlflows, tmp_path / "flownet2.ckpt")
    state["flownets_d.conv0.0.weight"] = torch.zeros(64, 12, 3, 3)
    torch.save({"state_dict": state}, tmp_path / "flownet2.ckpt")
    with pytest.raises(ValueError, match=r"flownet2.ckpt: tensor flownets_d.conv0.*another network"):
        load_estimator("ptlflow:flownet2", tmp_path)
