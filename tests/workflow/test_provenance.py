"""The sidecars of a finished run: one configuration, and a way back from a table of numbers to the row's pictures."""

import hashlib
import json

from media.provenance import SUFFIX


def test_the_jobs_of_a_run_know_its_configuration(run):
    records = [json.loads(path.read_text()) for path in (run / "results").rglob(f"*{SUFFIX}")]
    assert {record["stage"] for record in records} >= {
        "bench.run.train",
        "bench.scoring.score",
        "bench.tables.propagation",
    }
    # Two, if other tests have added rows to this run.
    (trained,) = {record["config_hash"] for record in records if record["stage"] == "bench.run.train"}
    assert len(trained) == 64 and all(len(record["config_hash"]) == 64 for record in records)


def test_a_table_leads_back_to_its_scores_and_nothing_was_exchanged(run):
    record = json.loads((run / f"results/propagation{SUFFIX}").read_text())
    sidecars = [line.get("provenance") for line in record["inputs"]]
    assert "results/score/copy_first.provenance.json" in sidecars
    for line in record["inputs"] + record["outputs"]:
        assert line["sha256"] == hashlib.sha256((run / line["path"]).read_bytes()).hexdigest()
