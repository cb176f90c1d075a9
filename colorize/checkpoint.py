"""Checkpoints. Ours: safetensors with the settings that made them in the metadata, so that a file explains itself.

The release's: one .pth file a network (`nonlocal_net_iter_*`, `colornet_iter_*`, `discriminator_iter_*`, and
`vgg19_conv.pth`), plain state dicts, loaded without running anything that a file may hold.
"""

import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from colorize.metadata import MisfitWeights, as_text, metadata
from colorize.model import ExemplarModel
from colorize.settings import ModelSettings
from media.whole import written_whole
from vision.backbones import VGG19, load_backbone
from vision.weights import VGG19_FEATURES, MissingWeights

# The release trains with 0.01 and colours with this, at which the softmax over the reference is an argmax.
RELEASE_TEMPERATURE = 1e-10
RELEASE = "https://github.com/zhangmozhe/Deep-Exemplar-based-Video-Colorization"


def save(model: ExemplarModel, path: Path, metadata: dict) -> None:
    """Write the model's tensors; `metadata` must hold `backbone` and those of ModelSettings that are not the default.

    The rest of it is for people.
    """
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    with written_whole(path) as temporary:
        save_file(state, temporary, as_text(metadata))


def load(path: str | Path, weights_dir: str | Path) -> ExemplarModel:
    """Rebuild the model of a checkpoint, in eval mode.

    Raises FileNotFoundError with the way to make the file, or MisfitWeights if it is not one of ours or damaged.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such checkpoint; `snakemake --cores 2 {path}` trains it")
    trained_with = metadata(path)
    choices = {name: trained_with[name] for name in ModelSettings.model_fields if name in trained_with}
    model = ExemplarModel(load_backbone(trained_with["backbone"], weights_dir), **choices)
    fill(model, load_file(path), path, "the file is not what its metadata say; train it again")
    return model.eval()


def fill(network: nn.Module, state: dict[str, Tensor], path: str | Path, hint: str) -> None:
    """Load a state dict of exactly the network's names and shapes, the content of `path`.

    Otherwise raise MisfitWeights with the first tensor that misfits, and `hint`.
    """
    wanted = network.state_dict()
    for name in [*wanted, *state]:
        problem = mismatch(wanted.get(name), state.get(name))
        if problem:
            raise MisfitWeights(f"{path}: tensor {name} {problem}; {hint}")
    network.load_state_dict(state)


def load_release(network: nn.Module, path: str | Path) -> None:
    """Load a published weight file into the network that it was made for (a `Release...` class or VGG19).

    Every tensor must be there, with the published name and shape; a prefix `module.` before all names, which
    training on several GPUs leaves, is dropped. Raises FileNotFoundError or MisfitWeights.
    """
    state = without_prefix(read_state(Path(path)))
    hint = f"is this the file of {type(network).__name__} at width 1? Published files come from {RELEASE}"
    fill(network, state, path, hint)


def mismatch(wanted: Tensor | None, given: Tensor | None) -> str:
    """What is wrong with a tensor of a file, or nothing."""
    if given is None:
        return f"is missing, expected with shape {tuple(wanted.shape)}"
    if not isinstance(given, Tensor):
        return f"is of type {type(given).__name__}, no tensor"
    if wanted is None:
        return f"with shape {tuple(given.shape)} is unexpected, the network has none of this name"
    if given.shape != wanted.shape:
        return f"has shape {tuple(given.shape)}, expected {tuple(wanted.shape)}"
    return ""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth file by name. Raises FileNotFoundError, or MisfitWeights if it is no plain state dict."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such weight file; download it from {RELEASE}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # a file of something else breaks the reader in any way it likes
        raise MisfitWeights(
            f"{path}: not a file of plain tensors written by torch.save. It may be cut off, or a web page saved under "
            "its name, or hold whole Python objects, which are never run: save a `state_dict()` of them instead"
        ) from error
    if not isinstance(state, dict):
        raise MisfitWeights(f"{path}: holds a {type(state).__name__}, expected a dict of tensors by name")
    return state


def without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names without `module.`, if every one of them begins with it."""
    prefix = "module."
    if not all(str(name).startswith(prefix) for name in state):
        return state
    return {name.removeprefix(prefix): value for name, value in state.items()}


def load_release_model(folder: str | Path, weights_dir: str | Path) -> ExemplarModel:
    """The published model: the newest files of `folder`, VGG19 from there or from `weights_dir`; in eval mode.

    Raises MissingWeights naming the file and its origin, or MisfitWeights.
    """
    folder = Path(folder)
    backbone = VGG19()
    model = ExemplarModel(backbone, protocol="release")
    load_release(model.correspondence, newest(folder, "nonlocal_net_iter"))
    load_release(model.colorization, newest(folder, "colornet_iter"))
    load_release(backbone, release_vgg19(folder, Path(weights_dir)))
    backbone.eval().requires_grad_(False)
    model.temperature = RELEASE_TEMPERATURE
    return model.eval()


def newest(folder: Path, stem: str) -> Path:
    """The file `<stem>_<number>.pth` of the highest number. Raises MissingWeights if there is none."""
    numbered = {
        int(match.group(1)): path
        for path in folder.glob(f"{stem}_*.pth")
        if (match := re.fullmatch(rf"{stem}_(\d+)\.pth", path.name))
    }
    if not numbered:
        raise MissingWeights(
            f"weight file {stem}_<iteration>.pth is missing in {folder}. It comes from: {RELEASE} "
            f"(checkpoints/video_moredata_l1/{stem}_76000.pth of its release)"
        )
    return numbered[max(numbered)]


def release_vgg19(folder: Path, weights_dir: Path) -> Path:
    """vgg19_conv.pth in one of the two folders. Raises MissingWeights."""
    for path in (folder / VGG19_FEATURES.name, weights_dir / VGG19_FEATURES.name):
        if path.exists():
            return path
    raise MissingWeights(
        f"weight file {VGG19_FEATURES.name} is missing. Put it in {folder} or {weights_dir}. "
        f"It comes from: {VGG19_FEATURES.origin}"
    )
