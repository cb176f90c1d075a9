"""The schema and the table of keys are what the models say."""

import jsonschema
import pytest
import yaml

from colorize.settings import LossWeights, TrainSettings
from plan.generated import generated, schema_file
from plan.key_table import key_table
from plan.reading import ROOT, read_config

OVERLAYS = [*sorted((ROOT / "config").glob("[!c]*.yaml")), *sorted((ROOT / "config/methods").glob("*.yaml"))]


def test_what_is_generated_is_in_the_repository():
    for path, text in generated().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `python -m plan schema`"


@pytest.fixture(scope="module")
def schema():
    return jsonschema.Draft202012Validator(yaml.safe_load(schema_file()))


@pytest.mark.parametrize("overlay", [None, *OVERLAYS], ids=lambda path: path.stem if path else "default")
def test_the_schema_takes_every_configuration_there_is(schema, overlay):
    schema.validate(read_config([overlay] if overlay else []))


@pytest.mark.parametrize(
    "change",
    [
        {"sed": 1},
        {"flow": "diss"},
        {"clips": {}},
        {"seed": "1"},
        {"shards": {"clips": 0}},
        {"methods": {"my row": {}}},
        {"images": {"sets": {**read_config()["images"]["sets"], ".all": {"size": [8, 8], "from": []}}}},
    ],
)
def test_the_schema_refuses_what_the_models_refuse(schema, change):
    assert not schema.is_valid(read_config() | change)


def test_the_schema_wants_a_set_to_be_made_of_something(schema):
    config = read_config()
    config["clips"]["sets"]["validation"] = {"rendered": None}
    assert not schema.is_valid(config)


def test_the_table_has_every_key_of_a_training():
    table = key_table()
    keys = {
        *TrainSettings.model_fields,
        "method",
        "recolored",
        *(f"losses.{loss}" for loss in LossWeights.model_fields),
    }
    assert all(f"| `training.<name>.{key}` |" in table for key in keys)


def test_the_table_says_value_and_default():
    assert "| `seed` | whole number | everything random" in key_table()
    assert "| `training.<name>.own_reference` | number ≥ 0, ≤ 1; default 0.3 |" in key_table()
    assert "| `references.within` | `everywhere`, `class` or whole number ≥ 1 |" in key_table()


def test_keys_that_stand_in_several_places_are_told_once():
    lines = [line.split("|")[1].strip() for line in key_table().splitlines()]
    assert len(lines) == len(set(lines))
    assert "`clips.sets.<set>.from`" in lines and "`filter.min_side`" in lines
    assert "`clips.sets.<set>.filter.min_side`" not in lines
