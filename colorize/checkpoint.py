"""Our checkpoints: safetensors with the settings that made them in the metadata, so that a file explains itself."""

import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from colorize.model import ExemplarModel
from media.tables import written_whole
from vision.backbones import load_backbone


def save(model: ExemplarModel, path: Path, metadata: dict) -> None:
    """Write the model's tensors; `metadata` must hold `backbone` and `width`, the rest is for people."""
    with written_whole(path) as temporary:
        save_file(model.state_dict(), temporary, {key: json.dumps(value) for key, value in metadata.items()})


def load(path: str | Path, weights_dir: str | Path) -> ExemplarModel:
    """Rebuild the model of a checkpoint, in eval mode. Raises FileNotFoundError with the way to make the file."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such checkpoint; `snakemake --cores 2 {path}` trains it")
    with safe_open(path, "pt") as file:
        metadata = {key: json.loads(value) for key, value in file.metadata().items()}
    model = ExemplarModel(load_backbone(metadata["backbone"], weights_dir), metadata["width"])
    model.load_state_dict(load_file(path))
    return model.eval()
