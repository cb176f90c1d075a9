"""Records of how things were made: followed from table to score, copied, and told apart from what has none."""

import json

import pytest

from bench.report.origins import Origins


@pytest.fixture
def origins(results):
    return Origins([results / "table1.json", results / "figure7.json"], results)


def test_records_are_followed_to_those_of_their_inputs_which_come_first(origins):
    assert [origin.name for origin in origins.by_sidecar.values()] == ["score/red", "table1"]


def test_what_has_no_record_has_no_origin(origins, results):
    assert origins.of(results / "figure7.json") is None
    assert origins.of(results / "table1.json").record["seed"] == 7


def test_inputs_lead_to_their_records(origins, results):
    (score,) = origins.of(results / "table1.json").record["inputs"]
    assert origins.linked(score).anchor == "made-score-red"
    assert origins.links({"red": results / "score/red.parquet", "grey": results / "score/grey.parquet"}) == {
        "red": "#made-score-red"
    }
    (clips,) = origins.linked(score).record["inputs"]
    assert origins.linked(clips) is None


def test_copies_are_the_records(origins, results, tmp_path):
    origins.write(tmp_path)
    copy = json.loads((tmp_path / "provenance/score/red.provenance.json").read_text())
    assert copy == json.loads((results / "score/red.provenance.json").read_text())
