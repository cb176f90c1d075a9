"""What the commands for people know of the configuration. Stages never read it: their rules pass what they need."""

from collections.abc import Iterable
from pathlib import Path

from bench.methods.contract.method import Setting

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "config/config.yaml"


class UnusableConfiguration(ValueError):
    """A file that is no configuration; the message names it and says what is wrong."""


def read_config(paths: Iterable[Path] = ()) -> dict:
    """The default configuration with others on top, as Snakemake does it: mappings merged, the rest replaced.

    Naming the default itself changes nothing. Raises UnusableConfiguration.
    """
    import yaml
    from snakemake.utils import update_config

    config: dict = {}
    for path in (DEFAULT, *paths):
        if not path.is_file():
            raise UnusableConfiguration(f"there is no file {path}; expected a YAML file like config/config.yaml")
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            raise UnusableConfiguration(f"{path} is no YAML: {error}") from error
        if not isinstance(found, dict):
            raise UnusableConfiguration(f"{path}: expected keys with values, such as 'seed: 0'; found {found!r}")
        update_config(config, found)
    return config


def setting_of(options: dict, config: dict, results: Path = ROOT / "results") -> Setting:
    """What a row's method is told besides what it is given. The file of its model need not be there yet."""
    checkpoint = None
    if "training" in options:
        checkpoint = results / "train" / options["training"] / "model.safetensors"
    if "checkpoint" in options:
        checkpoint = ROOT / options["checkpoint"]
    return Setting(ROOT / config["weights"], config["backbone"], checkpoint, config["seed"], results)
