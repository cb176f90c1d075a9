"""The schemas of the tables: they know the columns that there are, and refuse rows that make no sense."""

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from tiny_world import ROOT

from media import tables
from prep.judging.quality import REASONS

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/tables.schema.yaml").read_text())
NAMES = ["SOURCES", "CLIPS", "FLOW", "GALLERY", "REFERENCES", "COLORIZED", "SCORES"]
# Where the tables of a kind lie below results/.
PLACES = {
    "SOURCES": ["sources/*/*.parquet"],
    "CLIPS": ["clips/*.parquet", "images/*.parquet", "shards/clips/*/*.parquet", "shards/images/*/*.parquet"],
    "FLOW": ["flow/*/*.parquet", "shards/flow/*/*/*.parquet"],
    "GALLERY": ["gallery/*/*.parquet"],
    "REFERENCES": ["references/*/*.parquet", "shards/references/*/*/*.parquet"],
    "COLORIZED": [
        "colorize/*.parquet",
        "shards/colorize/*/*.parquet",
        "colorize_shown/*/*/*.parquet",
        "recolored/*.parquet",
    ],
    "SCORES": ["score/*.parquet", "shards/score/*/*.parquet", "truth/*.parquet"],
}


def errors_in(name: str, rows: list[dict]) -> list[str]:
    """What is wrong with rows of the table `name`."""
    validator = Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{name}"})
    filled = [{column: value for column, value in row.items() if value is not None} for row in rows]
    return [error.message for row in filled for error in validator.iter_errors(row)]


def errors_below(results: Path) -> dict[str, list[str]]:
    """What is wrong with the tables of a run: path -> messages; every kind of table must be there."""
    found = {}
    for name, patterns in PLACES.items():
        paths = [path for pattern in patterns for path in results.glob(pattern)]
        assert paths, f"no table {name} below {results}"
        for path in paths:
            rows = tables.records(tables.read_table(path, getattr(tables, name)))
            if errors := errors_in(name, rows):
                found[str(path)] = errors
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_has_the_columns_of_its_table_in_their_order(name):
    assert list(SCHEMA["$defs"][name]["properties"]) == list(getattr(tables, name))


def test_there_is_a_schema_of_every_table_and_the_reasons_are_the_same():
    assert [name for name in vars(tables) if name.isupper() and isinstance(getattr(tables, name), dict)] == NAMES
    assert SCHEMA["$defs"]["reason"]["enum"] == list(REASONS)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, False),
        ({"n_frames": 0}, True),  # neither kept nor rejected
        ({"n_frames": 0, "reason": "too_dark", "detail": "mean L is 3"}, False),
        ({"n_frames": 0, "reason": "ugly", "detail": "it is"}, True),
        ({"reason": "too_dark", "detail": "mean L is 3"}, True),  # rejected, with frames
        ({"sha256": "123"}, True),
        ({"mean_l": 101.0}, True),
        ({"clip": "a/b"}, True),
    ],
)
def test_rows_that_make_no_sense_are_refused(changes, wrong):
    row = {"clip": "a", "dataset": "d", "n_frames": 25, "mean_l": 50.0, "sha256": "0" * 64, "reason": None}
    assert bool(errors_in("CLIPS", [row | changes])) is wrong
