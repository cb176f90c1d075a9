"""Counted datasets: so many items of a draw, and what of its rest stands in for those that are not fit.

What a set may take as a reserve is no other set's: the rest of the same draw begins behind it.
"""

from collections.abc import Iterator
from pathlib import Path

from plan.errors import ConfigError
from prep.datasets.registry import DRAW, Dataset

KINDS = ("clips", "images")


def counts_of(items: dict) -> dict[str, int]:
    """How many items of each counted dataset a set keeps, as the configuration describes it."""
    chosen = [] if items.get("rendered") else items.get("from", [])
    return {one["dataset"]: one["count"] for one in chosen if "count" in one}


def with_reserves(config: dict, registry: dict[str, Dataset]) -> dict:
    """A configuration in which the rest of a draw, wherever it is named, begins behind the reserve that is taken of it.

    Raises ConfigError for a count or a reserve that makes no sense.
    """
    taken: dict[tuple, int] = {}
    for place, one in _selections(config):
        if "reserve" in one:
            drawn = _draw_of(registry.get(one["dataset"]))
            if "count" not in one or not drawn or drawn[0] != "draw":
                raise ConfigError(
                    f"config: {place} has a 'reserve' for {one['dataset']!r}; expected a 'count' beside it, and a "
                    "dataset whose split is a draw, such as draw:116:0 (docs/datasets.md)"
                )
            taken[drawn[1:]] = max(one["reserve"], taken.get(drawn[1:], 0))
    _check_counts(config)

    def behind(one: dict) -> dict:
        drawn = _draw_of(registry.get(one["dataset"]))
        reserve = taken.get(drawn[1:], 0) if drawn and drawn[0] == "rest" else 0
        return one | {"reserve": reserve} if reserve else one

    changed = {}
    for kind in KINDS:
        sets = {
            split: own | {"from": [behind(one) for one in own["from"]]} if "from" in own else own
            for split, own in config[kind]["sets"].items()
        }
        changed[kind] = config[kind] | {"sets": sets}
    return config | changed


def _selections(config: dict) -> Iterator[tuple[str, dict]]:
    """The place and the selections of each set that is made of files."""
    for kind in KINDS:
        for split, own in config[kind]["sets"].items():
            if not own.get("rendered"):
                yield from ((f"{kind}.sets.{split}.from", one) for one in own.get("from", ()))


def _draw_of(dataset: Dataset | None) -> tuple | None:
    """draw or rest, and of which draw: folder, count and seed. None for a dataset that is no part of a draw."""
    split = DRAW.fullmatch(dataset.split) if dataset else None
    if not split:
        return None
    part, count, seed = split.groups()
    root = dataset.root if dataset.root.startswith("package:") else str(Path(dataset.root).expanduser().absolute())
    return part, root, int(count), int(seed)


def _check_counts(config: dict) -> None:
    """A dataset is counted as a whole, and a gallery, which is searched as it is listed, not at all."""
    for kind in KINDS:
        for split, own in config[kind]["sets"].items():
            named = [one["dataset"] for one in own.get("from", ())]
            for dataset in counts_of(own):
                if named.count(dataset) > 1:
                    raise ConfigError(
                        f"config: {kind}.sets.{split}.from names {dataset!r} more than once and with a 'count'; name "
                        "it once, as what is counted are the files of one draw."
                    )
                if kind == "images" and split in config["references"]["gallery"].values():
                    raise ConfigError(
                        f"config: images.sets.{split}.from has a 'count' for {dataset!r}, but references are searched "
                        f"in all of {split!r}; give the dataset a split of that size (docs/datasets.md), or search "
                        "another set."
                    )
