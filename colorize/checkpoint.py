"""Checkpoints. Ours: safetensors with the settings that made them in the metadata, so that a file explains itself.

The release's: one .pth file a network (`nonlocal_net_iter_*`, `colornet_iter_*`, `discriminator_iter_*`, and
`vgg19_conv.pth`), plain state dicts, loaded without running anything that a file may hold.
"""

from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from colorize.metadata import as_text, metadata
from colorize.model import ExemplarModel
from colorize.release_files import RELEASE, release_contents, release_paths
from colorize.settings import ModelSettings
from media.whole import written_whole
from vision.backbones import VGG19, load_backbone
from vision.network_files import OF_BACKBONE, contents
from vision.state_dicts import built, fill, read_safetensors, read_state
from vision.weights import MisfitWeights, MissingWeights, hash_of

# The release trains with 0.01 and colours with this, at which the softmax over the reference is an argmax.
RELEASE_TEMPERATURE = 1e-10
TRAIN_AGAIN = "the file is not what its metadata say; train it again"


def save(model: ExemplarModel, path: Path, metadata: dict) -> None:
    """Write the model's tensors; `metadata` must hold `backbone` and those of ModelSettings that are not the default.

    The rest of it is for people.
    """
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    with written_whole(path) as temporary:
        save_file(state, temporary, as_text(metadata))


def load(path: str | Path, weights_dir: str | Path) -> ExemplarModel:
    """Rebuild the model of a checkpoint, in eval mode; of a folder the published one (`load_release_model`).

    Raises FileNotFoundError with the way to make the file, or MisfitWeights if it is not one of ours or damaged.
    """
    path = Path(path)
    if path.is_dir():
        return load_release_model(path, weights_dir)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such checkpoint; `snakemake --cores 2 {path}` trains it")
    trained_with = metadata(path)
    choices = {name: trained_with[name] for name in ModelSettings.model_fields if name in trained_with}
    try:
        ModelSettings.model_validate(choices)
        backbone = load_backbone(trained_with["backbone"], weights_dir)
    except (MisfitWeights, MissingWeights):
        raise
    except (TypeError, ValueError) as error:
        raise MisfitWeights(f"{path}: its metadata name no model of this project ({error}); {TRAIN_AGAIN}") from error
    return built(lambda: ExemplarModel(backbone, **choices), read_safetensors(path), path, TRAIN_AGAIN).eval()


def load_release(network: nn.Module, path: str | Path) -> None:
    """Load a published weight file into the network that it was made for (a `Release...` class or VGG19).

    Every tensor must be there, with the published name and shape; a prefix `module.` before all names, which
    training on several GPUs leaves, is dropped. Raises FileNotFoundError or MisfitWeights.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such weight file; download it from {RELEASE}")
    hint = f"is this the file of {type(network).__name__} at width 1? Published files come from {RELEASE}"
    fill(network, read_state(path), path, hint)


def load_release_model(folder: str | Path, weights_dir: str | Path) -> ExemplarModel:
    """The published model: the newest files of `folder`, VGG19 from there or from `weights_dir`; in eval mode.

    Raises MissingWeights naming the file and its origin, or MisfitWeights.
    """
    backbone = VGG19()
    model = ExemplarModel(backbone, protocol="release")
    networks = (model.correspondence, model.colorization, backbone)
    for network, path in zip(networks, release_paths(Path(folder), Path(weights_dir)), strict=True):
        load_release(network, path)
    backbone.eval().requires_grad_(False)
    model.temperature = RELEASE_TEMPERATURE
    return model.eval()


def contents_of(weights: Path, weights_dir: Path) -> dict[str, str]:
    """The SHA-256, by its name, of each file that the colours follow from: the checkpoint's, and its backbone's.

    weights: what `load` or `load_release_model` takes, and raises the same about.
    """
    if weights.is_dir():
        return release_contents(weights, weights_dir)
    backbone = OF_BACKBONE[metadata(weights)["backbone"]]
    return {weights.name: hash_of(weights)} | contents(backbone, weights_dir)
