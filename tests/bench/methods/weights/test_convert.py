"""Published files, made here in their formats with narrow networks, fill the networks as direct loading does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bench.methods.contract.method import Given, Setting
from bench.methods.contract.rows import load
from bench.methods.networks.he2018_network import ExampleColorNet
from bench.methods.networks.iizuka2016_network import Iizuka2016Network
from bench.methods.networks.lai2018_network import TransformNet
from bench.methods.networks.larsson2016_network import Larsson2016Network
from bench.methods.networks.vpn2017_network import ColorStage
from bench.methods.networks.zhang2016_network import Zhang2016Network
from bench.methods.networks.zhang2017_network import Zhang2017Network
from bench.methods.weights import published
from bench.methods.weights.convert import CONVERTERS, load_published
from vision.weights import MisfitWeights, MissingWeights, WeightFile

pytestmark = pytest.mark.filterwarnings("ignore:.*the published file has")  # of which these are none

NARROW = 1 / 16
COUNTER = "num_batches_tracked"
Tensors = dict[str, np.ndarray]  # by their names in the file; in Caffe's <layer>/<index>

ZHANG2016_LAYERS = (
    "bw_conv1_1 conv1_2 conv2_1 conv2_2 conv3_1 conv3_2 conv3_3 conv4_1 conv4_2 conv4_3 conv5_1 conv5_2 conv5_3 "
    "conv6_1 conv6_2 conv6_3 conv7_1 conv7_2 conv7_3 conv8_1 conv8_2 conv8_3 conv8_313"
).split()
ZHANG2016_NORMS = "conv1_2norm conv2_2norm conv3_3norm conv4_3norm conv5_3norm conv6_3norm conv7_3norm".split()
LARSSON2016_LAYERS = (
    "conv1_1 conv1_2 conv2_1 conv2_2 conv3_1 conv3_2 conv3_3 conv4_1 conv4_2 conv4_3 conv5_1 conv5_2 conv5_3 fc6 fc7 "
    "h_fc1 prediction_h prediction_c"
).split()
VPN2017_LAYERS = (
    "out_color1 out_color2 out_color_bilateral out_color_spatial1 out_color_spatial2 out_color_spatial out_color_result"
).split()


def state_of(network: nn.Module) -> Tensors:
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


def without_counters(network: nn.Module) -> Tensors:
    return {name: value for name, value in state_of(network).items() if not name.endswith(COUNTER)}


def layers_of(state: Tensors, names: list[str]) -> Tensors:
    """The convolutions and linear layers of a network in their order, under Caffe's names."""
    weights = [name for name, value in state.items() if name.endswith("weight") and value.ndim > 1]
    tensors = {}
    for layer, weight in zip(names, weights, strict=True):
        tensors |= {f"{layer}/0": state[weight], f"{layer}/1": state[weight.replace("weight", "bias")]}
    return tensors


def zhang2016_tensors(network: nn.Module) -> Tensors:
    """Caffe is fed L - 50, a layer without weights multiplies the logits by 2.606, batch norms keep sums."""
    state = state_of(network)
    state.pop("model_out.weight")
    tensors = layers_of(state, ZHANG2016_LAYERS)
    tensors["bw_conv1_1/0"] /= 100
    tensors["conv8_313/0"] /= 2.606
    tensors["conv8_313/1"] /= 2.606
    for layer, name in zip(ZHANG2016_NORMS, [name for name in state if name.endswith("running_mean")], strict=True):
        tensors[f"{layer}/0"] = 999.98 * state[name]
        tensors[f"{layer}/1"] = 999.98 * state[name.replace("mean", "var")]
        tensors[f"{layer}/2"] = np.float32([999.98])
    return tensors | {"class8_ab/0": np.zeros((2, 313, 1, 1), np.float32)}


def larsson2016_tensors(network: nn.Module) -> Tensors:
    fixed = {"conv4_1_full_reshaped/0": np.ones((3, 1, 4, 4), np.float32)}
    return layers_of(state_of(network), LARSSON2016_LAYERS) | fixed


def vpn2017_tensors(network: nn.Module) -> Tensors:
    """All weights have four dimensions; the biases of the lattice's filters have, too."""
    tensors = layers_of(state_of(network), VPN2017_LAYERS)
    for name, value in tensors.items():
        if value.ndim == 2:
            tensors[name] = value[..., None, None]
        elif name in ("out_color1/1", "out_color2/1"):
            tensors[name] = value[None, None, None]
    return tensors


def grouped(tensors: Tensors) -> dict[str, list[np.ndarray]]:
    groups: dict[str, list[np.ndarray]] = {}
    for name, value in tensors.items():
        groups.setdefault(name.partition("/")[0], []).append(value)
    return groups


def write_pth(path: Path, tensors: Tensors, foreign) -> None:
    torch.save({name: torch.from_numpy(value) for name, value in tensors.items()}, path)


def write_lai2018(path: Path, tensors: Tensors, foreign) -> None:
    state = {name: torch.from_numpy(value) for name, value in tensors.items()}
    torch.save({"model": state, "optimizer": {"state": {}, "param_groups": []}}, path)


def write_caffe(path: Path, tensors: Tensors, foreign) -> None:
    foreign.caffemodel(path, grouped(tensors))


def write_caffe_v1(path: Path, tensors: Tensors, foreign) -> None:
    foreign.caffemodel(path, grouped(tensors), "v1")


def write_hdf5(path: Path, tensors: Tensors, foreign) -> None:
    foreign.caffe_hdf5(path, grouped(tensors))


def narrow_zhang2016() -> nn.Module:
    """Caffe's batch norms have no weight and bias of their own, so those of every network here stay 1 and 0."""
    return Zhang2016Network(NARROW)


@dataclass(frozen=True)
class Format:
    """How a file is published: of which network, under which names, written how, and one tensor to be spoiled."""

    make: Callable[[], nn.Module]
    file: WeightFile
    tensors: Callable[[nn.Module], Tensors]
    write: Callable
    tensor: str


FORMATS = {
    "zhang2016": Format(narrow_zhang2016, published.ZHANG2016, state_of, write_pth, "model4.2.weight"),
    "zhang2017": Format(
        lambda: Zhang2017Network(NARROW), published.ZHANG2017, state_of, write_pth, "model9up.0.weight"
    ),
    "he2018": Format(lambda: ExampleColorNet(NARROW), published.HE2018, state_of, write_pth, "conv9_1.weight"),
    "lai2018": Format(
        *(lambda: TransformNet(nf=4, blocks=2), published.LAI2018, without_counters, write_lai2018),
        tensor="convlstm.Gates.weight",
    ),
    "zhang2016 in Caffe": Format(
        narrow_zhang2016, published.ZHANG2016_CAFFE, zhang2016_tensors, write_caffe, "conv4_2/0"
    ),
    "zhang2016 in old Caffe": Format(
        narrow_zhang2016, published.ZHANG2016_CAFFE, zhang2016_tensors, write_caffe_v1, "conv4_2/0"
    ),
    "larsson2016": Format(
        lambda: Larsson2016Network(NARROW), published.LARSSON2016, larsson2016_tensors, write_hdf5, "conv4_2/0"
    ),
    "vpn2017": Format(ColorStage, published.VPN2017, vpn2017_tensors, write_caffe, "out_color_spatial1/0"),
}


@pytest.fixture(params=FORMATS)
def form(request) -> Format:
    return FORMATS[request.param]


@pytest.fixture
def original(form, filled) -> nn.Module:
    network = filled(form.make())
    if isinstance(network, Zhang2016Network):
        reset_what_caffe_has_not(network)
    return network


def reset_what_caffe_has_not(network: Zhang2016Network) -> None:
    """Weight and bias of batch norms, and the bins' centres, are as the network is made."""
    fresh = narrow_zhang2016().state_dict()
    norms = [name.removesuffix("running_mean") for name in fresh if name.endswith("running_mean")]
    for name in ["model_out.weight", *(norm + part for norm in norms for part in ("weight", "bias"))]:
        network.state_dict()[name].copy_(fresh[name])


def assert_same(loaded: nn.Module, original: nn.Module, **tolerance) -> None:
    own = loaded.state_dict()
    for name, value in original.state_dict().items():
        if not name.endswith(COUNTER):
            torch.testing.assert_close(own[name], value, **tolerance, msg=lambda text, name=name: f"{name}: {text}")


def test_a_published_file_fills_the_network(form, original, foreign, tmp_path):
    form.write(tmp_path / form.file.name, form.tensors(original), foreign)
    loaded = load_published(form.make(), (form.file,), tmp_path)
    assert not loaded.training
    assert_same(loaded, original, rtol=1e-6, atol=1e-8)


def spoiled(form: Format, original: nn.Module, how: str) -> Tensors:
    tensors = form.tensors(original)
    layer, slash, _ = form.tensor.partition("/")
    if how == "renamed":
        pairs = tensors.items()
        return {
            f"{name.replace(layer, 'strange', 1)}" if name.startswith(layer + slash) else name: v for name, v in pairs
        }
    if how == "misshapen":
        return tensors | {form.tensor: tensors[form.tensor][:, :1]}
    return tensors | {f"surplus{slash}{'0' * len(slash)}": tensors[form.tensor]}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("renamed", "the tensor '{name}' is missing"),
        ("misshapen", "the tensor '{name}' has the shape"),
        ("surplus", "the tensor 'surplus.*' has no place in the network"),
    ],
)
def test_the_first_wrong_tensor_is_named(form, original, foreign, tmp_path, how, expected):
    form.write(tmp_path / form.file.name, spoiled(form, original, how), foreign)
    with pytest.raises(MisfitWeights, match=f"{form.file.name}: {expected.format(name=form.tensor)}"):
        load_published(form.make(), (form.file,), tmp_path)


def test_a_cut_file_is_refused(form, original, foreign, tmp_path):
    path = tmp_path / form.file.name
    form.write(path, form.tensors(original), foreign)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    names_a_tensor = "in the tensor '" if path.suffix == ".caffemodel" else ""
    with pytest.raises(MisfitWeights, match=f"{path.name}: .*breaks off {names_a_tensor}"):
        load_published(form.make(), (form.file,), tmp_path)


# The graph of Iizuka et al.: a Sequential for each part, the low level at the start of both branches.
IIZUKA2016_PARTS = {
    "low": ("low1", "low2", "low3", "low4", "low5", "low6"),
    "global": ("glob1", "glob2", "glob3", "glob4", "fc1", "fc2"),
    "classes": ("cls1", "cls2"),
    "fc3": ("fc3",),
    "local": ("mid1", "mid2"),
    "colours": ("fusion", "col1", "col2", "col3", "col4", "out"),
}
IIZUKA2016_ORDER = ("low", "global", "classes", "fc3", "low", "local", "colours")
NORM = {"weight", "bias", "running_mean", "running_var"}


def narrow_iizuka2016() -> Iizuka2016Network:
    return Iizuka2016Network(NARROW, classes=7)


def iizuka2016_table(network: nn.Module, lua: Callable, norm: str, order: tuple[str, ...] = IIZUKA2016_ORDER) -> dict:
    """The table {mean, model}. norm: the field of batch norms, `running_var` or `running_std`, or `folded` for none."""
    state = {name: value.astype(np.float64) for name, value in state_of(network).items()}
    parts = {
        part: lua("nn.Sequential", {"modules": [m for role in roles for m in torch7_modules(role, state, lua, norm)]})
        for part, roles in IIZUKA2016_PARTS.items()
    }
    nodes = [{"id": 1, "data": {}}, *({"data": {"module": parts[part]}} for part in order)]
    return {"mean": float(state["mean"]), "model": lua("nn.gModule", {"forwardnodes": nodes})}


def torch7_modules(role: str, state: Tensors, lua: Callable, norm: str) -> list:
    stem = f"{role}.0" if f"{role}.0.weight" in state else role
    weight = state[f"{stem}.weight"]
    kind = "nn.Linear" if weight.ndim == 2 else "nn.SpatialConvolution"
    if role.startswith("col"):  # as some builds of Torch7 have them
        weight, kind = weight.reshape(len(weight), -1), "nn.SpatialConvolutionMM"
    found = [lua(kind, {"weight": weight, "bias": state[f"{stem}.bias"], "gradWeight": np.zeros(3)})]
    if stem != role and norm != "folded":
        fields = {part: state[f"{role}.1.{part}"] for part in sorted(NORM)}
        if norm == "running_std":
            fields["running_std"] = 1 / np.sqrt(fields.pop("running_var") + 1e-5)
        found.append(lua("nn.SpatialBatchNormalization", fields | {"eps": 1e-5}))
    return [*found, lua("nn.ReLU")]


def write_iizuka2016(folder: Path, network: nn.Module, foreign, norm: str = "running_var", **options) -> None:
    table = iizuka2016_table(network, foreign.lua, norm, **options)
    foreign.t7(folder / published.IIZUKA2016.name, table)


@pytest.mark.parametrize("norm", ["running_var", "running_std"])
def test_iizuka2016_from_torch7(filled, foreign, tmp_path, norm):
    original = filled(narrow_iizuka2016())
    write_iizuka2016(tmp_path, original, foreign, norm)
    loaded = load_published(narrow_iizuka2016(), (published.IIZUKA2016,), tmp_path)
    assert_same(loaded, original, rtol=1e-5, atol=1e-6)


def test_iizuka2016_with_folded_norms_needs_none(filled, foreign, tmp_path):
    original = filled(narrow_iizuka2016())
    write_iizuka2016(tmp_path, original, foreign, "folded")
    loaded = load_published(narrow_iizuka2016(), (published.IIZUKA2016,), tmp_path)
    x = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(loaded.low1[:2](x), original.low1[0](x))


def test_iizuka2016_may_know_other_classes(filled, foreign, tmp_path):
    original = filled(narrow_iizuka2016())
    write_iizuka2016(tmp_path, original, foreign)
    loaded = load_published(Iizuka2016Network(NARROW, classes=9), (published.IIZUKA2016,), tmp_path)
    torch.testing.assert_close(loaded.fc3[0].weight, original.fc3[0].weight)


def test_iizuka2016_may_come_without_its_classifier(filled, foreign, tmp_path):
    original, order = filled(narrow_iizuka2016()), tuple(part for part in IIZUKA2016_ORDER if part != "classes")
    write_iizuka2016(tmp_path, original, foreign, order=order)
    loaded = load_published(narrow_iizuka2016(), (published.IIZUKA2016,), tmp_path)
    torch.testing.assert_close(loaded.fc3[0].weight, original.fc3[0].weight)


@pytest.mark.parametrize(
    ("role", "cut", "expected"),
    [
        ("low3", (slice(None), slice(1)), r"no weight of 'low3', .* is nn.SpatialConvolution \(8, 1, 3, 3\)"),
        ("fc1", slice(5), r"no weight of 'fc1'.* is nn.Linear \(5, 1568\)"),
    ],
)
def test_iizuka2016_names_the_first_wrong_layer(filled, foreign, tmp_path, role, cut, expected):
    network = filled(narrow_iizuka2016())
    layer = getattr(network, role)[0]
    layer.weight = nn.Parameter(layer.weight.detach()[cut])
    write_iizuka2016(tmp_path, network, foreign)
    with pytest.raises(MisfitWeights, match=f"colornet.t7: {expected}"):
        load_published(narrow_iizuka2016(), (published.IIZUKA2016,), tmp_path)


def test_iizuka2016_has_no_layers_besides(filled, foreign, tmp_path):
    table = iizuka2016_table(filled(narrow_iizuka2016()), foreign.lua, "running_var")
    extra = foreign.lua("nn.Linear", {"weight": np.ones((3, 3))})
    table["model"].fields["forwardnodes"].append({"data": {"module": extra}})
    foreign.t7(tmp_path / published.IIZUKA2016.name, table)
    with pytest.raises(MisfitWeights, match=r"1 layers have no place in the network; the first: nn.Linear \(3, 3\)"):
        load_published(narrow_iizuka2016(), (published.IIZUKA2016,), tmp_path)


def test_a_tensor_that_no_file_fills_is_not_left_to_chance(filled, foreign, tmp_path):
    original = filled(ColorStage())
    write_caffe(tmp_path / published.VPN2017.name, vpn2017_tensors(original), foreign)
    other = ColorStage()
    other.register_buffer("gain", torch.ones(3))
    with pytest.raises(MisfitWeights, match="nothing in it becomes the tensor 'gain'"):
        load_published(other, (published.VPN2017,), tmp_path)


def test_every_published_file_of_a_row_has_a_converter():
    assert set(CONVERTERS) == {file for files in published.OF_METHOD.values() for file in files}


def test_the_first_of_alternative_files_is_taken_that_is_there(filled, foreign, tmp_path):
    with pytest.raises(MissingWeights, match=r"colorization_release_v2-9b330a0b.pth is missing"):
        load_published(narrow_zhang2016(), published.OF_METHOD["zhang2016"], tmp_path)
    original = filled(narrow_zhang2016())
    write_caffe(tmp_path / published.ZHANG2016_CAFFE.name, zhang2016_tensors(original), foreign)
    loaded = load_published(narrow_zhang2016(), published.OF_METHOD["zhang2016"], tmp_path)
    torch.testing.assert_close(loaded.model4[2].weight, original.model4[2].weight)


def test_a_row_runs_with_its_published_file(filled, foreign, tmp_path):
    method = load("vpn2017", {}, Setting(tmp_path, "efficientnet_lite0", None, seed=0))
    assert "COLOR_STAGE1.caffemodel" in method.skip()
    original = filled(ColorStage())
    write_caffe(tmp_path / published.VPN2017.name, vpn2017_tensors(original), foreign)
    assert method.skip() is None
    assert_same(method.model, original)
    first = np.zeros((16, 24, 3), np.float32) + (50, 20, 10)
    found = list(method.colorize(iter([first[..., 0]] * 2), Given("clips", "a", first_frame=first)))
    assert found[1].shape == (16, 24, 2) and np.isfinite(found[1]).all()
