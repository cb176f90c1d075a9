"""Inputs and configuration on the command line of a stage."""

import json
import shlex

from plan.command_line import as_flags, as_json, folder_of_items


def test_inputs_become_flags():
    named = [("scoring_flow", "a b.parquet"), ("scores", ["x", "y"]), ("recolored", [])]
    assert shlex.split(as_flags(named)) == ["--scoring-flow", "a b.parquet", "--scores", "x", "y", "--recolored"]


def test_equal_values_are_spelt_equally():
    assert as_json({"b": 1, "a": [2]}) == as_json({"a": [2], "b": 1})
    assert json.loads(as_json({"width": 1, "rate": 0.5})) == {"width": 1, "rate": 0.5} and "1.0" not in as_json(1)


def test_all_shards_of_a_set_write_into_its_folder():
    assert folder_of_items("results/shards/clips/train/3.parquet") == "results/clips/train"
