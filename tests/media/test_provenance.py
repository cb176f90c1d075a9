"""Sidecars: what they hold, that they lead back to where numbers come from, and that equal runs have equal ones."""

import hashlib
import json
import os
import subprocess
import sys

import pytest

from media.provenance import SUFFIX, commit_of, metric_versions, provenance, sidecar_of
from media.tables import SCORES, write_table
from media.versions import ROOT, version_of

FIRST_FRAME_ROW = "copy_first"


def command(folder, out="results/propagation", **environment):
    """`bench.tables.propagation` run as the workflow runs it, on the tables in `folder`; what it printed."""
    words = [sys.executable, "-m", "bench.tables.propagation", "--rows", FIRST_FRAME_ROW]
    words += ["--scores", f"results/score/{FIRST_FRAME_ROW}.parquet", "--clips", "results/clips/test.parquet"]
    words += ["--clips-of", "--choices", "results/choices.json", "--seed", "3"]
    words += ["--csv", f"{out}.csv", "--markdown", f"{out}.md", "--json", f"{out}.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def folder(tmp_path):
    """The scores of one row, with a sidecar."""
    values = [
        {"row": FIRST_FRAME_ROW, "metric": "psnr", "kind": "clips", "item": "a", "frame": t, "value": 30.0}
        for t in range(5)
    ]
    scores = tmp_path / f"results/score/{FIRST_FRAME_ROW}.parquet"
    write_table(values, scores, SCORES)
    sidecar_of(scores).write_text("{}")
    choices = {
        "backbone": "efficientnet_lite0",
        "classifier": "efficientnet_lite0",
        "fid_features": "efficientnet_lite0",
    }
    choices |= {"flow": "dis", "scoring_flow": "farneback"}
    (tmp_path / "results/choices.json").write_text(json.dumps(choices))
    return tmp_path


def record(folder, out="results/propagation"):
    return json.loads((folder / f"{out}{SUFFIX}").read_text())


def test_a_table_has_a_sidecar(folder):
    command(folder, HUEBENCH_CONFIG_HASH="abc")
    found = record(folder)
    assert found["stage"] == "bench.tables.propagation"
    assert found["version"] == version_of("bench.tables.propagation")
    assert found["seed"] == 3 and found["config_hash"] == "abc"
    assert found["arguments"]["rows"] == [FIRST_FRAME_ROW] and found["arguments"]["clips_of"] == []
    assert found["metrics"]["cdc"] == version_of("bench.metrics.cdc") == 1
    assert found["libraries"]["torch"].split(".")[0].isdecimal()


def test_a_sidecar_leads_back_to_that_of_the_scores(folder):
    command(folder)
    (scores,) = [one for one in record(folder)["inputs"] if one["path"].endswith(".parquet")]
    path = folder / scores["path"]
    assert scores["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert folder / scores["provenance"] == sidecar_of(path)
    outputs = {line["path"]: line["sha256"] for line in record(folder)["outputs"]}
    assert list(outputs) == ["results/propagation.csv", "results/propagation.md", "results/propagation.json"]
    written = (folder / "results/propagation.csv").read_bytes()
    assert outputs["results/propagation.csv"] == hashlib.sha256(written).hexdigest()


def test_equal_runs_have_equal_sidecars_and_other_inputs_another(folder):
    texts = []
    for _ in range(2):
        command(folder)
        texts.append((folder / f"results/propagation{SUFFIX}").read_text())
    assert texts[0] == texts[1]
    write_table([], folder / f"results/score/{FIRST_FRAME_ROW}.parquet", SCORES)
    command(folder)
    assert (folder / f"results/propagation{SUFFIX}").read_text() != texts[0]


def test_where_and_how_fast_a_stage_ran_is_not_in_its_sidecar(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scores.parquet").touch()
    given = {"scores": [tmp_path / "scores.parquet"], "weights": tmp_path / "external", "workers": 2, "seed": 3}
    given |= {"scheduler": "tcp://1.2.3.4:5", "execution": '{"threads": 1}', "csv": tmp_path / "results/table.csv"}
    write_table([], given["csv"], SCORES)
    found = provenance("bench.tables.propagation", given, ("csv",))
    assert found["arguments"] == {"scores": ["scores.parquet"], "seed": 3, "csv": "results/table.csv"}
    assert [line["path"] for line in found["inputs"] + found["outputs"]] == ["scores.parquet", "results/table.csv"]


def test_a_stage_that_stops_leaves_no_sidecar(folder):
    (folder / f"results/score/{FIRST_FRAME_ROW}.parquet").write_bytes(b"broken")
    with pytest.raises(subprocess.CalledProcessError):
        command(folder)
    assert not list(folder.glob(f"results/propagation{SUFFIX}"))


def test_help_is_that_of_the_stage():
    words = [sys.executable, "-m", "bench.tables.propagation", "--help"]
    printed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "Write the table." in printed and "the datasets whose clips count" in printed


def test_of_several_processes_the_first_writes(folder):
    command(folder, RANK="1")
    assert not (folder / f"results/propagation{SUFFIX}").exists()


def test_a_folder_has_its_sidecar_beside_it_and_stands_for_its_files(tmp_path):
    program = tmp_path / "stage.py"
    program.write_text(STAGE)
    subprocess.run([sys.executable, "-m", "stage", "--source", "stage.py", "--out", "made.v2"], cwd=tmp_path,
                   env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}, check=True)  # fmt: skip
    first = record(tmp_path, "made.v2")
    assert [line["path"] for line in first["outputs"]] == ["made.v2/a.txt"]
    assert first["metrics"] == {} and first["seed"] is None
    assert "provenance" not in first["inputs"][0]
    subprocess.run([sys.executable, "-m", "stage", "--source", "made.v2/a.txt", "--out", "again"], cwd=tmp_path,
                   env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}, check=True)  # fmt: skip
    assert record(tmp_path, "again")["inputs"][0]["provenance"] == f"made.v2{SUFFIX}"


STAGE = """
from pathlib import Path
import tyro
from media import provenance
from media.provenance import recorded

provenance.version_of = lambda stage: 1  # it is no module of this checkout

def main(*, source: Path, out: Path, other: Path | None = None) -> None:
    (out / "below").mkdir(parents=True)
    (out / "a.txt").write_text(source.read_text())
    (out / "below/b.txt").write_text("")

if __name__ == "__main__":
    tyro.cli(recorded(main, "out", "other"))
"""


def test_every_metric_has_a_version():
    assert set(metric_versions()) == {path.stem for path in (ROOT / "bench/metrics").glob("[!_]*.py")}


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", "-C", folder, *identity, *words], capture_output=True, text=True, check=True).stdout


def test_the_commit_and_whether_files_differ_from_it(tmp_path):
    assert commit_of(tmp_path) == {"commit": None, "dirty": None}
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    assert commit_of(tmp_path) == {"commit": commit, "dirty": False}
    (tmp_path / "a").write_text("2")
    assert commit_of(tmp_path) == {"commit": commit, "dirty": True}
