"""Checkpoints: they rebuild the model and explain themselves."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from bench.methods.contract.method import Given, Setting
from bench.methods.contract.rows import load
from bench.parity.release.named_networks import NETWORKS, filled_as_published
from bench.run.colorize import content_of_checkpoint, published_networks
from colorize import checkpoint
from colorize.model import ExemplarModel
from vision.backbones import VGG19, load_backbone
from vision.weights import MissingWeights

FILES = {
    "nonlocal_net_iter_76000.pth": "WarpNet",
    "colornet_iter_76000.pth": "ColorVidNet",
    "discriminator_iter_76000.pth": "Discriminator_x64",
    "vgg19_conv.pth": "VGG19_pytorch",
}


@pytest.fixture
def saved(tmp_path):
    model = ExemplarModel(load_backbone("efficientnet_lite0", tmp_path), width=0.125)
    path = tmp_path / "model.safetensors"
    checkpoint.save(model, path, {"backbone": "efficientnet_lite0", "width": 0.125, "step": 7})
    return model, path


def test_round_trip_is_exact(saved, tmp_path):
    model, path = saved
    loaded = checkpoint.load(path, tmp_path)
    assert not loaded.training
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in model.state_dict().items())


def test_the_file_says_what_it_is_and_holds_no_backbone(saved):
    _, path = saved
    with safe_open(path, "pt") as file:
        assert {name: json.loads(value) for name, value in file.metadata().items()}["step"] == 7
        assert {name.split(".")[0] for name in file.keys()} == {"correspondence", "colorization"}


def test_a_missing_checkpoint_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="snakemake"):
        checkpoint.load(tmp_path / "model.safetensors", tmp_path)


@pytest.mark.parametrize(
    "damaged",
    [b"", b"<!DOCTYPE html>", bytes(1000), lambda whole: whole[:100], lambda whole: whole[: len(whole) // 2]],
)
def test_a_damaged_checkpoint_says_so_and_what_to_do(saved, tmp_path, damaged):
    _, path = saved
    path.write_bytes(damaged(path.read_bytes()) if callable(damaged) else damaged)
    with pytest.raises(checkpoint.MisfitWeights, match=r"model\.safetensors: (not a whole|it is empty|a web page)"):
        checkpoint.load(path, tmp_path)


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}])
def test_another_programs_checkpoint_says_what_was_expected(saved, tmp_path, metadata):
    model, path = saved
    save_file(model.state_dict(), path, metadata)
    with pytest.raises(checkpoint.MisfitWeights, match="no `backbone`"):
        checkpoint.load(path, tmp_path)


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"backbone": "plain text"}, "metadata 'backbone' are 'plain text', not JSON"),
        ({"backbone": '"resnet"'}, "unknown backbone 'resnet'"),
        ({"backbone": "[1]"}, "no model of this project"),
        ({"backbone": '"efficientnet_lite0"', "width": "1e9"}, "has shape|make no network"),
        ({"backbone": '"efficientnet_lite0"', "width": '"wide"'}, "no model of this project"),
    ],
)
def test_metadata_that_make_no_model_are_named(saved, tmp_path, metadata, says):
    model, path = saved
    save_file(model.state_dict(), path, metadata)
    with pytest.raises(checkpoint.MisfitWeights, match=rf"model\.safetensors: .*({says})"):
        checkpoint.load(path, tmp_path)


def test_a_checkpoint_with_nan_names_the_tensor(saved, tmp_path):
    model, path = saved
    next(iter(model.colorization.parameters())).data.view(-1)[3] = float("nan")
    checkpoint.save(model, path, {"backbone": "efficientnet_lite0", "width": 0.125})
    with pytest.raises(checkpoint.MisfitWeights, match=r"tensor colorization\.\S+ holds values that are not finite"):
        checkpoint.load(path, tmp_path)


def test_a_checkpoint_of_another_width_names_the_tensor(saved, tmp_path):
    model, path = saved
    checkpoint.save(model, path, {"backbone": "efficientnet_lite0", "width": 0.25})
    with pytest.raises(checkpoint.MisfitWeights, match=r"correspondence\.\S+ has shape"):
        checkpoint.load(path, tmp_path)


def test_what_colours_follow_from(saved, tmp_path):
    _, path = saved
    packaged = checkpoint.contents_of(path, tmp_path)
    (tmp_path / "efficientnet-lite0-57934424.pth").write_bytes(b"another backbone")
    other = checkpoint.contents_of(path, tmp_path)
    assert set(other) == set(packaged) == {"model.safetensors", "efficientnet-lite0-57934424.pth"}
    assert [name for name in other if other[name] != packaged[name]] == ["efficientnet-lite0-57934424.pth"]


def test_what_colours_of_the_release_follow_from(tmp_path):
    folder, elsewhere = tmp_path / "release", tmp_path / "weights"
    for path in (folder, elsewhere):
        path.mkdir()
    for name in ("nonlocal_net_iter_5.pth", "nonlocal_net_iter_6.pth", "colornet_iter_6.pth"):
        (folder / name).write_bytes(name.encode())
    (elsewhere / "vgg19_conv.pth").write_bytes(b"one")
    one = checkpoint.contents_of(folder, elsewhere)
    (elsewhere / "vgg19_conv.pth").write_bytes(b"other")
    other = checkpoint.contents_of(folder, elsewhere)
    assert set(one) == {"nonlocal_net_iter_6.pth", "colornet_iter_6.pth", "vgg19_conv.pth"}
    assert [name for name in one if one[name] != other[name]] == ["vgg19_conv.pth"]


def published_state(name: str) -> dict[str, torch.Tensor]:
    """Tensors with the names and shapes of a published file and deterministic values."""
    return dict(filled_as_published(NETWORKS[name]()).state_dict())


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A folder with files of all published names."""
    folder = tmp_path_factory.mktemp("release")
    for file, network in FILES.items():
        torch.save(published_state(network), folder / file)
    return folder


@pytest.mark.parametrize("file, name", FILES.items())
def test_published_files_load_without_renaming(release, file, name):
    network = NETWORKS[name]()
    checkpoint.load_release(network, release / file)
    wanted = torch.load(release / file, weights_only=True)
    assert all(torch.equal(value, wanted[key]) for key, value in network.state_dict().items())


def test_the_prefix_of_several_gpus_is_dropped(tmp_path):
    state = published_state("Discriminator_x64")
    torch.save({f"module.{key}": value for key, value in state.items()}, tmp_path / "d.pth")
    network = NETWORKS["Discriminator_x64"]()
    checkpoint.load_release(network, tmp_path / "d.pth")
    assert torch.equal(network.last.module.weight_bar, state["last.module.weight_bar"])


@pytest.mark.parametrize(
    "spoil, says",
    [
        (lambda s: s.pop("theta.bias"), r"warp.pth: .*theta.bias is missing.*\(256,\)"),
        (lambda s: s.update(extra=torch.ones(3)), r"extra .*\(3,\) is unexpected"),
        (lambda s: s.update({"phi.bias": torch.ones(7)}), r"phi.bias .*\(7,\).*\(256,\)"),
        (lambda s: s.update({"phi.bias": "text"}), "phi.bias .* str"),
    ],
)
def test_the_first_tensor_that_does_not_fit_is_named(tmp_path, spoil, says):
    state = published_state("WarpNet")
    spoil(state)
    torch.save(state, tmp_path / "warp.pth")
    with pytest.raises(checkpoint.MisfitWeights, match=says):
        checkpoint.load_release(NETWORKS["WarpNet"](), tmp_path / "warp.pth")


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", b"hello world, this is text\n" * 9, bytes(1000)])
def test_a_file_of_something_else_says_what_was_expected(tmp_path, content):
    (tmp_path / "vgg19_conv.pth").write_bytes(content)
    with pytest.raises(checkpoint.MisfitWeights, match=r"vgg19_conv\.pth: (it is empty|a web page|no PyTorch file)"):
        checkpoint.load_release(VGG19(), tmp_path / "vgg19_conv.pth")


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "object.pth")
    with pytest.raises(checkpoint.MisfitWeights, match="never run"):
        checkpoint.load_release(VGG19(), tmp_path / "object.pth")
    torch.save([torch.ones(2)], tmp_path / "list.pth")
    with pytest.raises(checkpoint.MisfitWeights, match="holds a list"):
        checkpoint.load_release(VGG19(), tmp_path / "list.pth")


def test_the_release_model_takes_the_newest_files_of_one_number(release, tmp_path):
    for file in FILES:
        (tmp_path / file).symlink_to(release / file)
    (tmp_path / "colornet_iter_100000.pth").symlink_to(release / "colornet_iter_76000.pth")
    newer = published_state("WarpNet") | {"theta.bias": torch.full((256,), 3.0)}
    torch.save(newer, tmp_path / "nonlocal_net_iter_100000.pth")
    torch.save(newer, tmp_path / "nonlocal_net_iter_100001.pth")  # of no account, without its other
    model = checkpoint.load_release_model(tmp_path, "nowhere")
    assert not model.training and not model.backbone.training
    assert model.temperature == 1e-10
    assert model.correspondence.theta.bias.eq(3).all()
    lab = torch.rand(1, 3, 32, 48) * 50
    with torch.no_grad():
        assert model(lab[:, :1], model.encode_reference(lab)).shape == (1, 2, 32, 48)


def test_the_folder_is_a_checkpoint_of_a_row_of_the_table(release, tmp_path):
    assert checkpoint.load(release, tmp_path).temperature == 1e-10
    assert checkpoint.metadata(release)["backbone"] == "vgg19"
    setting = Setting(tmp_path, "efficientnet_lite0", release, 0)
    method = load("mine", {"method": "ours"}, setting)
    assert method.skip() is None
    lab = np.full((32, 48, 3), 40, np.float32)
    (ab,) = method.colorize(iter([lab[..., 0]]), Given("images", "one", reference=lab))
    assert ab.shape == (32, 48, 2)
    # What it follows from are its three files, not whatever lies beside them; its sidecar says so.
    names = {"nonlocal_net_iter_76000.pth", "colornet_iter_76000.pth", "vgg19_conv.pth"}
    assert {name for name, _ in content_of_checkpoint(release, tmp_path)} == names
    assert set(published_networks("mine", {"method": "ours"}, setting)["networks"]) == names


def test_a_missing_release_file_is_named_with_its_origin(release, tmp_path):
    with pytest.raises(MissingWeights, match=r"nonlocal_net_iter_<iteration>\.pth.*github"):
        checkpoint.load_release_model(tmp_path, tmp_path)
    for file in FILES:
        if file != "vgg19_conv.pth":
            (tmp_path / file).symlink_to(release / file)
    with pytest.raises(MissingWeights, match=r"vgg19_conv\.pth.*github"):
        checkpoint.load_release_model(tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match="no such weight file"):
        checkpoint.load_release(VGG19(), tmp_path / "vgg19_conv.pth")
