"""How a rule's inputs and parts of the configuration are spelt on the command line of its stage."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from shlex import quote


def as_json(value) -> str:
    """A part of the configuration; equal ones are spelt equally."""
    return json.dumps(value, sort_keys=True)


def as_flags(named: Iterable[tuple[str, str | list[str]]]) -> str:
    """Named inputs as flags: scoring_flow=x becomes `--scoring-flow x`, clips=[x, y] `--clips x y`."""
    given = [(name, [paths] if isinstance(paths, str) else paths) for name, paths in named]
    return " ".join(
        f"--{name.replace('_', '-')} {' '.join(quote(str(path)) for path in paths)}" for name, paths in given
    )


def one_of(names: Iterable[str]) -> str:
    """The constraint of a wildcard that stands for any of these names; for nothing if there is none."""
    return "|".join(map(re.escape, names)) or "-"


def folder_of_shards(tables: list[str]) -> str:
    """The folder that the tables of a set's shards lie in, 0.parquet and on; empty where there are none.

    A job is told of it and of their number: the names of as many as a large set has fit on no command line.
    """
    return str(Path(tables[0]).parent) if tables else ""


def gathered(named: Iterable[tuple[str, str | list[str]]]) -> list[tuple[str, str | list[str]]]:
    """Named inputs in which the tables of shards, which have no end, are their folder and their number."""
    own = dict(named)
    tables = list(own.pop("shards"))
    return [*own.items(), ("shards", folder_of_shards(tables)), ("count", str(len(tables)))]


def folder_of_items(table: str) -> str:
    """The folder of all items of the set that a shard's table (results/shards/clips/train/3.parquet) is a part of."""
    return str(Path(table).parent).replace("shards/", "", 1)
