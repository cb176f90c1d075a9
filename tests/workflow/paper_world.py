"""What config/paper.yaml needs, made small: media in the layouts of its datasets, and weight files of the published
names and shapes with seeded values."""

from pathlib import Path

import cv2
import pytest
import torch
import yaml
from foreign_files import Foreign
from test_convert import FORMATS, write_iizuka2016
from tiny_world import ROOT, scene, write_lossless
from torch import nn

from bench.methods.networks.he2018_network import ExampleColorNet
from bench.methods.networks.iizuka2016_network import Iizuka2016Network
from bench.methods.networks.lai2018_network import TransformNet
from bench.methods.networks.larsson2016_network import Larsson2016Network
from bench.methods.networks.vpn2017_network import ColorStage
from bench.methods.networks.zhang2016_network import Zhang2016Network
from bench.parity.recipe import weight
from prep.datasets.lists import read_list

PAPER = ROOT / "config/paper.yaml"
CLIPS, FRAMES, PHOTOGRAPHS = 2, 3, 3
CLASS = "n01440764"  # the first of the thousand, which the classifier below sees in everything
# What a trial of the paper's configuration is made of, and how it runs on two cores.
TRIAL = {"items": CLIPS, "frames": FRAMES, "steps": 1}
WHOLE = {
    "zhang2016": Zhang2016Network,
    "he2018": ExampleColorNet,
    "lai2018": TransformNet,
    "larsson2016": Larsson2016Network,
    "vpn2017": ColorStage,
}


def make_paper_world(folder: Path) -> Path:
    """Write `data/` and `weights/`, and the configuration that goes on top of paper.yaml; returns its path."""
    write_media(folder / "data")
    write_weights(folder / "weights")
    quick = {"threads": 2, "workers": 0, "batch": 1}
    trained = yaml.safe_load(PAPER.read_text())["training"]
    trainings = {name: quick for name, own in trained.items() if own}
    path = folder / "trial.yaml"
    path.write_text(yaml.safe_dump({"weights": str(folder / "weights"), "trial": TRIAL, "training": trainings}))
    return path


def film(seed: int, count: int, height: int = 108, width: int = 192) -> list:
    """Frames of a scene that the camera moves over."""
    picture = scene(seed, height, width + 2 * count)
    return [picture[:, 2 * t : 2 * t + width].copy() for t in range(count)]


def write_media(data: Path) -> None:
    """Videvo, Hollywood2, DAVIS and ImageNet, some files each."""
    for folder in ("videvo", "hollywood2/AVIClips"):
        (data / folder).mkdir(parents=True)
    for index in range(2 * CLIPS):
        write_lossless(data / f"videvo/clip{index}.mkv", film(index, FRAMES))
    for index in range(CLIPS):
        write_lossless(data / f"hollywood2/AVIClips/actioncliptest{index:05d}.avi", film(50 + index, FRAMES))
    for index, sequence in enumerate(listed("davis-2017-val")[:CLIPS]):
        for t, frame in enumerate(film(100 + index, FRAMES + 1)):
            write_jpeg(data / f"DAVIS/JPEGImages/480p/{sequence}/{t:05d}.jpg", frame)
    validation = [*listed("imagenet-test-10k")[:PHOTOGRAPHS], *listed("imagenet-validation-500")[:PHOTOGRAPHS]]
    named = {f"train/{CLASS}/{CLASS}_{index}.JPEG" for index in range(PHOTOGRAPHS)}
    for index, name in enumerate([*sorted(named), *(f"val/{CLASS}/{name}" for name in validation)]):
        write_jpeg(data / "imagenet" / name, scene(200 + index, 150, 200))


def listed(name: str) -> list[str]:
    return [member.name for member in read_list(ROOT / f"config/lists/{name}.txt")]


def write_jpeg(path: Path, rgb) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".jpg", rgb[..., ::-1])[1].tobytes())


def write_weights(folder: Path) -> None:
    """Every file that a row, a metric or a flow of paper.yaml can use."""
    from torchvision.models import vgg19

    from colorize.model import ExemplarModel
    from vision import backbones
    from vision.flow_estimators import import_ptlflow

    folder.mkdir()
    foreign = Foreign()
    for name, network in WHOLE.items():
        form = FORMATS[name]
        form.write(folder / form.file.name, form.tensors(seeded(network(), gain=1.0)), foreign)
    write_iizuka2016(folder, seeded(Iizuka2016Network(), gain=1.0), foreign)
    write_inception(folder / "pt_inception-2015-12-05-6726825d.pth")
    features = seeded(backbones.VGG19(), gain=1.4)
    torch.save(features.state_dict(), folder / "vgg19_conv.pth")
    model = ExemplarModel(features, protocol="release")
    torch.save(seeded(model.correspondence, gain=1.0).state_dict(), folder / "nonlocal_net_iter_76000.pth")
    torch.save(seeded(model.colorization, gain=1.0).state_dict(), folder / "colornet_iter_76000.pth")
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in vgg19(weights=None).state_dict().items()}
        flownet2 = {name: value.shape for name, value in import_ptlflow().get_model("flownet2").state_dict().items()}
    state = small_state(shapes)
    state["classifier.6.bias"] = torch.zeros(1000).index_fill(0, torch.tensor(0), 1e4)
    torch.save(state, folder / "vgg19-dcbb9e9d.pth")
    # It sees no motion: of flows by chance no pixel would be visible in both frames, and there were no flicker.
    still = {name: torch.zeros_like(value) for name, value in small_state(flownet2).items()}
    content = {"arch": "FlowNet2", "epoch": 0, "state_dict": still}
    torch.save(content, folder / "FlowNet2_checkpoint.pth.tar", _use_new_zipfile_serialization=False)


def seeded(network: nn.Module, gain: float) -> nn.Module:
    """The network with values that follow from the names of its tensors."""
    for name, tensor in network.state_dict().items():
        if tensor.ndim:
            tensor.copy_(torch.from_numpy(weight(name, tuple(tensor.shape), gain)))
    return network.eval()


def write_inception(path: Path) -> None:
    """Names and shapes are those that pytorch-fid expects of its own file."""
    from pytorch_fid import inception

    with pytest.MonkeyPatch.context() as patch:
        made = {}
        patch.setattr(inception, "load_state_dict_from_url", lambda *a, **k: made)
        patch.setattr(nn.Module, "load_state_dict", lambda self, state, **k: state.update(self.state_dict()))
        network = seeded(inception.fid_inception_v3(), gain=1.4)
    torch.save(network.state_dict(), path)


def small_state(shapes: dict[str, torch.Size]) -> dict[str, torch.Tensor]:
    """Seeded values for networks of hundreds of megabytes in a small file: a kernel has one value for all its inputs.

    Each is about a mean of what it is given, which neither dies away nor grows without bounds.
    """
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in shapes.items():
        if len(shape) < 2:
            state[name] = torch.full(tuple(shape), 0.01)
            continue
        noise = torch.randn((shape[0], 1, *shape[2:]), generator=generator)
        state[name] = (1.2 * (1 + noise / 2) / shape[1:].numel()).expand(tuple(shape))
    return state
