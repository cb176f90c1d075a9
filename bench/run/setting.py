"""What a row's method is told by the commands for people, which have no rules that pass it."""

from pathlib import Path

from bench.methods.contract.method import Setting
from colorize.release_files import model_at

ROOT = Path(__file__).parents[2]


def setting_of(options: dict, config: dict, results: Path = ROOT / "results") -> Setting:
    """What a row's method is told besides what it is given. The file of its model need not be there yet."""
    checkpoint = None
    if "training" in options:
        checkpoint = results / "train" / options["training"] / "model.safetensors"
    if "checkpoint" in options:
        checkpoint = model_at(options["checkpoint"], ROOT, ROOT / config["weights"])
    return Setting(ROOT / config["weights"], config["backbone"], checkpoint, config["seed"], results)
