"""A trial: the same configuration on a few files of each set, short clips and short trainings."""

import pytest

from colorize.settings import TrainSettings
from plan.errors import ConfigError
from plan.estimate import Estimate

TRIAL = {"trial": {"items": 3, "frames": 4, "steps": 10}}


def test_without_a_trial_nothing_is_small(plan):
    assert plan().config["trial"] is None and "trial" not in plan().choices
    assert plan().config["training"]["ours"]["steps"] == 120


def test_every_selection_is_small_and_nothing_has_a_reserve(plan):
    config = plan(TRIAL, overlays=["paper"]).config
    assert config["clips"]["length"] == 4
    selections = [
        one for kind in ("clips", "images") for own in config[kind]["sets"].values() for one in own.get("from", ())
    ]
    assert len(selections) > 8 and all(one["trial"] == 3 for one in selections)
    assert not any({"count", "reserve"} & set(one) for one in selections)
    lengths = {one["dataset"]: (one.get("length"), one.get("most")) for one in config["clips"]["sets"]["test"]["from"]}
    assert lengths == {"videvo-test": (None, None), "davis-2017-val": ("source", 4)}


@pytest.mark.parametrize("overlays", [(), ("paper",), ("all",)])
def test_trainings_are_short_and_whole(plan, overlays):
    small, whole = plan(TRIAL, overlays=overlays), plan(overlays=overlays)
    for name, own in small.trainings.items():
        settings = {key: value for key, value in own.items() if key in TrainSettings.model_fields}
        checked = TrainSettings(**settings)
        assert checked.steps <= max(10, checked.steps_a_batch) and checked.batch <= 3 and checked.sequence <= 4
        assert (checked.width, checked.frame) == (whole.trainings[name].get("width", 1), checked.frame)
    assert small.trainings["ours"]["adversarial_from"] in (2, 3)  # a fifth or a third of the way, as in the whole


@pytest.mark.parametrize("processes, nodes", [(1, 1), (2, 1), (2, 2), (5, 1), (4, 2), (8, 5)])
@pytest.mark.parametrize("items", [1, 3, 4, 7])
def test_processes_share_a_small_batch_equally(plan, processes, nodes, items):
    several = {"training": {"ours": {"processes": processes, "nodes": nodes}}}
    for own in plan(TRIAL | {"trial": {**TRIAL["trial"], "items": items}} | several, ("paper",)).trainings.values():
        checked = TrainSettings(**{key: value for key, value in own.items() if key in TrainSettings.model_fields})
        assert checked.batch <= max(2 * items, processes * nodes)


def test_items_alone_leave_clips_and_trainings_as_they_are(plan):
    config = plan({"trial": {"items": 2}}).config
    assert config["clips"]["length"] == 25 and config["training"] == plan().config["training"]
    assert config["clips"]["sets"]["train"]["rendered"]["count"] == 2


def test_what_is_said_of_a_trial(plan):
    assert plan(TRIAL).choices["trial"] == TRIAL["trial"]


def test_a_trial_costs_little(plan):
    stages = {stage.stage: stage for stage in Estimate(plan(TRIAL, overlays=["paper"]), only_table1=True).stages()}
    assert stages["gallery"].items == 3 and stages["gallery"].jobs == 1 and stages["clips"].items == 12


def test_a_trial_of_nothing_is_refused(plan):
    with pytest.raises(ConfigError, match=r"trial\.items"):
        plan({"trial": {"items": 0}})
