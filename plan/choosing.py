"""What a configuration comes to on this machine: entries that an overlay takes out are gone, and each row that prefers
a published network has it, where its file is there, or else its training.

A row that is chosen otherwise, because files have come or gone, has other options, and so is made again.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.methods.contract.rows import is_kind_of, learns, method_of, names
from bench.methods.weights.published import OF_METHOD
from colorize.metadata import metadata
from colorize.release_files import RELEASE_NAME, kind_named, model_at, release_paths
from colorize.settings import TrainSettings
from plan.deciding import content
from plan.errors import ConfigError, check_name
from plan.reading import REMOVABLE
from vision.weights import MisfitWeights, MissingWeights, WeightFile, difference, is_present


@dataclass(frozen=True)
class Network:
    """Where the network of a row comes from whose method has published weights."""

    published: str  # the file of its authors that is taken; empty: none. Whether it is theirs at all, `differs` says
    missing: str = ""  # that is not there, so that the row is trained here or is left empty
    differs: str = ""  # what shows that the file that is there is not the published one; empty: nothing does


def as_run(config: dict, root: Path) -> dict:
    """A configuration as it runs here: without what is taken out, each row's network chosen. Raises ConfigError."""
    weights_dir, taken_out = root / config["weights"], removed(config)["training"]
    config = without_nulls(config)
    methods, plus = config["methods"], config.get("flicker_plus")
    for row, own in methods.items():
        _check_preferred(row, own, f"methods.{row}", config["training"], taken_out)
    rows = {row: _as_run(row, own, weights_dir) for row, own in methods.items()}
    if isinstance(plus, dict):
        _check_preferred(plus.get("method", ""), plus, "flicker_plus", config["training"], taken_out)
        plus = _as_run(plus.get("method", ""), plus, weights_dir)
    return config | {"methods": rows, "flicker_plus": plus}


def without_nulls(config: dict) -> dict:
    """A configuration without the entries that are null: an overlay takes them out."""
    for keys in REMOVABLE:
        config = _without_nulls(config, keys)
    return config


def _without_nulls(config: dict, keys: tuple[str, ...]) -> dict:
    first, *below = keys
    part = config.get(first)
    if not isinstance(part, dict):
        return config
    if below:
        return config | {first: _without_nulls(part, tuple(below))}
    return config | {first: {name: own for name, own in part.items() if own is not None}}


def removed(config: dict) -> dict[str, list[str]]:
    """The names of the entries that are null, by the key above them."""
    names = {}
    for keys in REMOVABLE:
        part = config
        for key in keys:
            part = part.get(key) or {}
        names[".".join(keys)] = [name for name, own in part.items() if own is None]
    return names


def _check_preferred(row: str, options: dict, place: str, trainings: dict, taken_out: list[str]) -> None:
    """Raise ConfigError for a `prefer` that leaves nothing to choose. taken_out: trainings that are null."""
    if not isinstance(options, dict) or "prefer" not in options:
        return
    method = method_of(row, options)
    if options["prefer"] != "published":
        raise ConfigError(f"config: {place}.prefer is {options['prefer']!r}; expected 'published', or leave it out.")
    if {"precomputed", "command"} & set(options) or method not in OF_METHOD:
        raise ConfigError(
            f"config: {place} prefers a published network, but there is none of {method!r}; there are those of "
            f"{', '.join(OF_METHOD)}. Take `prefer` out (the paper's own model is `checkpoint: {RELEASE_NAME}`)."
        )
    if "checkpoint" in options or "training" not in options:
        raise ConfigError(
            f"config: {place} prefers a published network, and needs a 'training' and no 'checkpoint' for where its "
            "file is not there; or take `prefer` out: a row without either is its authors' network."
        )
    check_name(f"{place}.training", options["training"], "training", trainings, taken_out)
    check_trained(method, options["training"], trainings, place)


def check_trained(method: str, training: str, trainings: dict, place: str) -> None:
    """Raise ConfigError where the training of a row, configured at a place, is one of a method of another kind."""
    other = trainings[training].get("method", method)
    if other in names() and learns(other) and learns(method) and not is_kind_of(method, other):
        raise ConfigError(
            f"config: {place}.training names {training!r}, which trains the method {other!r}; the row's method is "
            f"{method!r}, which cannot take its model. Name a training of {method!r}."
        )


def _as_run(row: str, options: dict, weights_dir: Path) -> dict:
    """The options of a row without `prefer`: as its authors' network, or with its training."""
    if not isinstance(options, dict) or "prefer" not in options:
        return options
    left_out = {"prefer", "training"} if published_file(method_of(row, options), weights_dir) else {"prefer"}
    return {key: value for key, value in options.items() if key not in left_out}


def published_file(method: str, weights_dir: Path) -> str:
    """The file of a method's authors that is there, the preferred one of several; empty where none is."""
    file = _file_there(method, weights_dir)
    return file.name if file else ""


def _file_there(method: str, weights_dir: Path) -> WeightFile | None:
    return next((file for file in OF_METHOD.get(method, ()) if is_present(file, weights_dir)), None)


def network_of(row: str, options: dict, weights_dir: Path) -> Network | None:
    """Where a row's network comes from; None for a row whose method has no published weights."""
    method = method_of(row, options)
    if {"precomputed", "command", "checkpoint"} & set(options) or method not in OF_METHOD:
        return None
    file = _file_there(method, weights_dir)
    if file is None:
        return Network("", OF_METHOD[method][0].name)
    path = weights_dir / file.name
    differs = difference(file, path, content) if path.is_file() else ""
    return Network("" if "training" in options else file.name, "", differs)


def content_of_model(row: str, options: dict, root: Path, weights_dir: Path) -> str:
    """What decides a row's numbers of the model that it does not train: the SHA-256 of its files; empty for none.

    Raises ConfigError for a checkpoint that is not there, but for the published files, without which a row is left
    empty.
    """
    network = network_of(row, options, weights_dir)
    if network and network.published:
        path = weights_dir / network.published
        said = "not the published" if network.differs else "published"
        # Of a link to nothing, and of what is no file, the check before a run says that it cannot be used.
        return f"{said} {network.published} {content(path) if path.is_file() else 'not there'}"
    if "checkpoint" not in options:
        return ""
    if lacks_release(options, weights_dir):
        return "checkpoint not there"
    path = model_at(options["checkpoint"], root, weights_dir)
    if not path.exists():
        kind = kind_named(options["checkpoint"])
        raise ConfigError(f"config: methods.{row} names the checkpoint {path}, but there is no such {kind}.")
    if path.is_file():
        return f"checkpoint {content(path)}"
    try:
        return " ".join(["checkpoint", *map(content, release_paths(path, weights_dir))])
    except MissingWeights as error:
        raise ConfigError(f"config: methods.{row} names the folder {path} as its checkpoint, but {error}") from error


def lacks_release(options: dict, weights_dir: Path) -> bool:
    """Whether a row is left empty because the published files that it takes are not there."""
    if options.get("checkpoint") != RELEASE_NAME:
        return False
    try:
        release_paths(weights_dir, weights_dir)
    except MissingWeights:
        return True
    return False


def backbone_of_model(options: dict, root: Path, weights_dir: Path) -> str:
    """On whose features the model works that a row names as its checkpoint; empty where that cannot be said."""
    if "checkpoint" not in options:
        return ""
    try:
        return metadata(model_at(options["checkpoint"], root, weights_dir))["backbone"]
    except (MisfitWeights, MissingWeights):
        return ""


def width_of_model(options: dict, trainings: dict[str, dict], root: Path, weights_dir: Path) -> float:
    """The width of a row's model: that of its training, or of the checkpoint that it names; otherwise 1."""
    if training := options.get("training"):
        return trainings[training].get("width", TrainSettings.model_fields["width"].default)
    if "checkpoint" in options:
        with suppress(MisfitWeights, MissingWeights, OSError):  # who reads it says so
            return metadata(model_at(options["checkpoint"], root, weights_dir)).get("width", 1.0)
    return 1.0
