"""Reading the configuration outside Snakemake, for the commands for people. Stages never read it."""

from collections.abc import Iterable
from pathlib import Path

from plan.errors import ConfigError

ROOT = Path(__file__).parents[1]
DEFAULT = ROOT / "config/config.yaml"
# What the configuration may call a network that has another name elsewhere.
CLASSIFIERS = {"vgg19": "vgg19_classifier"}


def read_config(paths: Iterable[Path] = ()) -> dict:
    """The default configuration with others on top, as Snakemake does it: mappings merged, the rest replaced.

    Naming the default itself changes nothing. It is not validated, so that a command can show the rows that are right.
    Raises ConfigError naming the file that is no configuration.
    """
    from snakemake.utils import update_config

    config: dict = {}
    for path in (DEFAULT, *paths):
        update_config(config, read_file(path))
    return with_full_names(config)


def read_file(path: Path) -> dict:
    """What one file says. Raises ConfigError where it is no configuration."""
    import yaml

    if not path.is_file():
        raise ConfigError(f"there is no configuration {path}; expected a YAML file like config/config.yaml")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {}
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error}; save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys with values, such as 'seed: 0'; found {content!r}")
    check_keys(content, str(path))
    return content


def check_keys(node: object, where: str, above: tuple[str, ...] = ()) -> None:
    """Raise ConfigError where a key is no text, such as 1, or `no`, which YAML takes for false; `where` it stands."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if not isinstance(key, str):
            place = f"in {'.'.join(above)!r}" if above else "at the top level"
            raise ConfigError(f"{where}: the key {key!r} {place} is no text; write the name in quotes")
        check_keys(value, where, (*above, key))


def with_full_names(config: dict) -> dict:
    """A configuration in which networks are called what the stages call them."""
    classifier = config.get("classifier")
    return config | {"classifier": CLASSIFIERS.get(classifier, classifier)} if "classifier" in config else config


def default_order() -> list[str]:
    """The rows of the default configuration in its order, in which tables have them before those of an overlay."""
    return list(read_file(DEFAULT)["methods"])
