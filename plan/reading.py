"""Reading the configuration outside Snakemake, for the commands for people. Stages never read it."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from media.text import WrongEncoding, read_text
from plan.errors import ConfigError, did_you_mean

ROOT = Path(__file__).parents[1]
DEFAULT = ROOT / "config/config.yaml"
# Entries that an overlay takes out with `null`, by the keys above them.
REMOVABLE = (("methods",), ("training",), ("ablations", "rows"))
# What the configuration may call a network that has another name elsewhere.
CLASSIFIERS = {"vgg19": "vgg19_classifier"}


def read_config(paths: Iterable[Path] = ()) -> dict:
    """The default configuration with others on top, as Snakemake does it: mappings merged, the rest replaced.

    Naming the default itself changes nothing. It is not validated, so that a command can show the rows that are right.
    Raises ConfigError naming the file that is no configuration, or rows that are no mappings.
    """
    from snakemake.utils import update_config

    config: dict = {}
    for path in (DEFAULT, *paths):
        update_config(config, read_file(path))
    _check_rows(config["methods"])
    return with_full_names(config)


def read_file(path: Path) -> dict:
    """What one file says. Raises ConfigError where it is no configuration."""
    import yaml

    if not path.is_file():
        raise ConfigError(f"there is no configuration {path}; expected a YAML file like config/config.yaml")
    try:
        content = _of_text(read_text(path)) or {}
    except WrongEncoding as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys with values, such as 'seed: 0'; found {content!r}")
    check_keys(content, str(path))
    if content.get("trial") == {}:  # which would be merged into no trial, without a word
        raise ConfigError(f"{path}: trial is empty; expected such as `trial: {{items: 2}}`, or `null` for none")
    return content


def _of_text(text: str) -> object:
    """What a text says, as Snakemake reads it: as JSON, which may have tabs that YAML forbids, or else as YAML."""
    import yaml

    try:
        return json.loads(text, object_pairs_hook=_once)
    except ValueError:
        return yaml.load(text, Loader=_loader(yaml))


def _once(pairs: list[tuple[str, object]]) -> dict:
    if len(dict(pairs)) < len(pairs):
        raise ValueError  # YAML's loader says which key
    return dict(pairs)


@cache
def _loader(yaml) -> type:
    """YAML's safe loader that refuses a key which stands twice in a mapping: the second would silently win."""

    class EachKeyOnce(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        def construct_mapping(self, node, deep=False):
            lines: dict = {}
            for key, _ in node.value:
                line = key.start_mark.line + 1
                if (key.tag, str(key.value)) in lines:
                    raise yaml.YAMLError(
                        f"the key {key.value!r} stands in line {lines[key.tag, str(key.value)]} and again in line "
                        f"{line}; keep one of them"
                    )
                lines[key.tag, str(key.value)] = line
            return super().construct_mapping(node, deep)

    return EachKeyOnce


def check_files(paths: Iterable[str | Path]) -> None:
    """Raise ConfigError where one of the files that a run is given is no configuration, or takes out (`null`) what none
    of them has. Snakemake reads them itself, with a traceback where one is not UTF-8 and without a word where a key
    stands twice.
    """
    files = {Path(path): read_file(Path(path)) for path in paths}
    for keys in REMOVABLE:
        parts = [_part(content, keys) for content in (read_file(DEFAULT), *files.values())]
        known = {name for part in parts for name, own in part.items() if own is not None}
        for path, content in files.items():
            for name in (name for name, own in _part(content, keys).items() if own is None and name not in known):
                raise ConfigError(
                    f"{path}: {'.'.join(keys)}.{name} is null, which takes an entry out, but there is none of that "
                    f"name; {did_you_mean(name, known)}"
                )


def _part(content: dict, keys: tuple[str, ...]) -> dict:
    """What stands under a key below others; nothing where that is no mapping."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def check_keys(node: object, where: str, above: tuple[str, ...] = ()) -> None:
    """Raise ConfigError where a key is no text, such as 1, or `no`, which YAML takes for false; `where` it stands."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if not isinstance(key, str):
            place = f"in {'.'.join(above)!r}" if above else "at the top level"
            raise ConfigError(f"{where}: the key {key!r} {place} is no text; write the name in quotes")
        check_keys(value, where, (*above, key))


def _check_rows(methods: object) -> None:
    rows = methods if isinstance(methods, dict) else {}
    wrong = {f"methods.{row}": options for row, options in rows.items() if not isinstance(options, dict | None)}
    for key, value in (wrong if rows else {"methods": methods}).items():
        raise ConfigError(f"config: {key} is {value!r}; expected a mapping, such as `methods: {{grey: {{}}}}`")


def with_full_names(config: dict) -> dict:
    """A configuration in which networks are called what the stages call them."""
    classifier = config.get("classifier")
    return config | {"classifier": CLASSIFIERS.get(classifier, classifier)} if "classifier" in config else config


def default_order() -> list[str]:
    """The rows of the default configuration in its order, in which tables have them before those of an overlay."""
    return list(read_file(DEFAULT)["methods"])
