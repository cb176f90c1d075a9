"""How a run is stopped for a configuration that cannot be used."""

import pytest

from plan.errors import ConfigError, or_else


def shards_of(kind: str, split: str = "test") -> int:
    if kind == "sounds":
        raise ConfigError("config: there are no sounds")
    return len(kind + split)


def test_the_sentence_stops_the_run_instead_of_an_exception():
    said = []
    assert or_else(said.append, shards_of)("clips", split="train") == 10 and not said
    or_else(said.append, shards_of)("sounds")
    assert said == ["config: there are no sounds"]


def test_other_errors_are_not_taken_for_the_configurations():
    with pytest.raises(TypeError):
        or_else(print, shards_of)(1)
