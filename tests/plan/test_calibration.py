"""Measuring a machine: what is measured, and what becomes of it."""

from pathlib import Path

import pytest

from bench.methods.contract.rows import refused_by
from colorize.settings import TrainSettings
from plan.calibration import (
    CLIPS,
    LONGEST,
    compared,
    key_of_job,
    measurable_rows,
    measurable_trainings,
    small_config,
    small_training,
)
from plan.errors import ConfigError
from plan.estimate import Estimate, StageCost, seconds_a_sample
from plan.metering import MeteredJob
from plan.pipeline import Plan
from plan.reading import ROOT, read_config


def small(tmp_path, overlays=()) -> Plan:
    """The plan of what is measured for the default or overlays; its media are not there."""
    config = read_config([ROOT / "config" / f"{name}.yaml" for name in overlays])
    for kind in ("videos", "photographs"):
        (tmp_path / kind).mkdir()
        for split in ("test", "train", "validation", "gallery"):
            for number in range(CLIPS):
                (tmp_path / kind / f"{split}_{number}{'.mp4' if kind == 'videos' else '.png'}").touch()
    return Plan(small_config(Plan(config, ROOT), config, Path(tmp_path)), ROOT)


def test_the_default_is_measured_by_each_of_its_methods(tmp_path):
    plan = small(tmp_path)
    trainings = measurable_trainings(plan)
    rows = measurable_rows(plan, trainings)
    assert rows[0] == "grey" and {"nn_match", "fusion", "flow_propagation", "welsh2002"} < set(rows)
    assert len(trainings) == 1 and len([row for row in rows if row.startswith("ours")]) == 1
    estimate = Estimate(plan, only_table1=True)
    estimate.rows, estimate.trainings = rows, {name: plan.trainings[name] for name in trainings}
    assert sum(part.seconds for part in estimate.parts()) < 200
    assert estimate.items("clips", "test") == CLIPS and estimate.sets.shards_of("gallery", "gallery") == 1


def test_networks_without_a_file_give_way_to_those_of_the_default(tmp_path):
    plan = small(tmp_path, ["paper"])
    assert plan.config["flow"] == "dis" and plan.config["backbone"] == "efficientnet_lite0"
    assert plan.config["references"]["within"] == "class"  # all else is as it was
    assert plan.sets.filmed == ["test", "train", "legacy", "long"] and not plan.sets.rendered
    assert "ours" in plan.trainings and measurable_rows(plan, measurable_trainings(plan))


@pytest.mark.parametrize(
    "own",
    [
        {"method": "ours"},
        {"method": "zhang2016"},
        {"method": "ours", "sequence": 9, "unroll": 3, "photo_share": 0, "batch": 2, "steps": 120, "width": 0.25},
    ],
)
def test_a_training_is_shortened_to_a_few_samples(own):
    made = small_training(own)
    TrainSettings(**{key: value for key, value in made.items() if key != "method"})
    assert made["steps"] * made["batch"] * seconds_a_sample(made) <= LONGEST and made["validate_every"] == made["steps"]
    assert not refused_by(made["method"]) & set(made)


def test_jobs_are_compared_with_what_they_were_expected_to_take(plan):
    parts = [
        StageCost("sources", 2, 0, 2, 0, 0, start=2, key="sources"),
        StageCost("clips", 1, 0, 5, 0, 0, start=1, key="clips"),
        StageCost("flow", 2, 0, 10, 0, 0, start=2, key="flow:dis"),
        StageCost("colorize", 1, 0, 11, 0, 0, start=1, key="colorize:ours"),
        StageCost("colorize", 1, 0, 1.1, 0, 0, start=1, key="colorize:grey"),
        StageCost("score", 1, 0, 6, 0, 0, start=4, key="score"),
    ]
    jobs = [
        MeteredJob("sources", ("clips", "test"), 2, 0),
        MeteredJob("clips", ("test", "0"), 10, 0),
        MeteredJob("flow", ("dis", "test", "0"), 4, 0),
        MeteredJob("colorize", ("ours_shipped",), 32, 0),
        MeteredJob("colorize", ("grey",), 9, 0),
        MeteredJob("score", ("grey",), 9, 0),
        MeteredJob("unknown", (), 9, 0),
    ]
    made = compared(jobs, parts, plan())
    assert made.start == 2  # a job that only begins took 2 seconds, expected 1
    assert made.factors == {
        "clips": 2,
        "flow:dis": 0.5,
        "colorize:ours": 3,
        "score": 1.5,
    }  # too little of `grey` is its own
    assert made.on and "core" in made.machine


def test_where_nothing_ran_nothing_is_measured(plan):
    with pytest.raises(ConfigError, match="too few"):
        compared([], [], plan())


@pytest.mark.parametrize(
    ("rule", "of", "key"),
    [("flow", ("raft", "test", "0"), "flow:raft"), ("train", ("ours_aligned",), "train:ours"),
     ("colorize", ("ours_shipped",), "colorize:ours"), ("clips", ("test", "0"), "clips")],
)  # fmt: skip
def test_costs_are_known_by_what_does_the_work(plan, rule, of, key):
    assert key_of_job(MeteredJob(rule, of, 1, 0), plan()) == key
