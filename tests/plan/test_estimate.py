"""What a configuration costs before it runs."""

import pytest

from plan.cost import METHOD_SECONDS, NETWORK_SECONDS, UNITS, seconds_a_frame
from plan.errors import ConfigError
from plan.estimate import Estimate, StageCost, summed
from plan.measured import MachineCosts
from plan.reading import ROOT

# Seconds of the jobs of the default's Table 1, two jobs at a time on two cores.
MEASURED = {
    "clips": 3, "images": 5, "renderings": 15, "flow": 28, "gallery": 10, "references": 18, "train": 460,
    "colorize": 292, "truth": 7, "score": 92,
}  # fmt: skip


# CPU seconds, megabytes and files of four rows without training on generated clips, one job at a time.
ROWS = ["grey", "copy_first", "nn_match", "flow_propagation"]
GENERATED = {
    10: {
        "clips": (3.5, 34.7, 262), "flow": (20.2, 57.8, 984), "gallery": (4.0, 0, 2), "references": (3.7, 0.7, 6),
        "colorize": (73.6, 135.2, 1088), "truth": (10.2, 0.4, 243), "score": (53.7, 2.3, 88),
    },
    100: {
        "clips": (11.6, 110.9, 903), "flow": (60.8, 165.7, 3006), "gallery": (4.4, 0, 2), "references": (3.8, 0.7, 6),
        "colorize": (225.4, 426.5, 3648), "truth": (25.3, 0.9, 703), "score": (159.5, 6.6, 448),
    },
}  # fmt: skip


def by_stage(estimate) -> dict[str, StageCost]:
    return {stage.stage: stage for stage in estimate.stages()}


def test_the_default_costs_what_was_measured(plan):
    stages = by_stage(Estimate(plan(), only_table1=True))
    total = sum(stages[name].seconds for name in MEASURED)
    assert total == pytest.approx(sum(MEASURED.values()), rel=0.3)
    large = [name for name, seconds in MEASURED.items() if seconds > 10]
    assert {name: stages[name].seconds for name in large} == pytest.approx(
        {name: MEASURED[name] for name in large}, rel=0.3
    )


@pytest.mark.parametrize("count", GENERATED)
def test_generated_clips_cost_what_was_measured(plan, tmp_path, count):
    lines = (ROOT / "config/datasets.tsv").read_text()
    for name, kind, files in (("films", "videos", count), ("pictures", "images", 10)):
        lines += f"{name}\t{kind}\t{tmp_path}/none\t\t\t\t\t{files}\t\n"
    (tmp_path / "datasets.tsv").write_text(lines)
    sets = {
        kind: {"sets": {split: {"from": [{"dataset": dataset, "files": "*"}]} for split in splits}}
        for kind, dataset, splits in (("clips", "films", ["test"]), ("images", "pictures", ["test", "gallery"]))
    }
    length = {10: 25, 100: 8}[count]
    sets["clips"]["length"] = length
    estimate = Estimate(plan({"datasets": str(tmp_path / "datasets.tsv"), **sets}), only_table1=True)
    estimate.rows, estimate.trainings, estimate.splits = ROWS, {}, {"clips": ["test"], "images": ["test"]}
    stages, measured = by_stage(estimate), GENERATED[count]
    for stage, (seconds, _, files) in measured.items():
        if seconds > 10:
            assert stages[stage].seconds == pytest.approx(seconds, rel=0.3), stage
        if files > 200:
            assert stages[stage].files == pytest.approx(files, rel=0.3), stage
    sums = [sum(getattr(stages[stage], name) for stage in measured) for name in ("seconds", "size", "files")]
    seconds, size, files = map(sum, zip(*measured.values(), strict=True))
    assert sums == pytest.approx([seconds, size * 1e6, files], rel=0.3)


def test_jobs_are_those_that_snakemake_plans(plan):
    """As tests/workflow/test_dag.py has them."""
    stages = by_stage(Estimate(plan()))
    jobs = {name: stage.jobs for name, stage in stages.items()}
    assert jobs["clips"] == 3 and jobs["renderings"] == 1 and jobs["images"] == 3 and jobs["gallery"] == 2
    assert jobs["sources"] == 7 and jobs["gather"] == jobs["references"] == jobs["colorize_shown"] == jobs["train"] == 6
    assert jobs["flow"] == jobs["gather_flow"] == 5 and jobs["colorize"] == jobs["score"] == 17


def test_the_papers_table_is_mostly_training_and_its_gallery(plan):
    estimate = Estimate(plan(overlays=["paper"]), only_table1=True)
    stages = by_stage(estimate)
    assert stages["gallery"].items == 1_281_167 and stages["gallery"].jobs == 128
    assert stages["train"].items == 8 * 22110 * 40
    assert max(stages.values(), key=lambda stage: stage.seconds).stage == "train"
    assert 80 < stages["train"].gpu / 3600 < 200
    assert sum(stage.jobs for stage in stages.values()) == 502  # and `choices`


def test_ten_times_the_clips_cost_ten_times_the_frames(plan, tmp_path):
    def stages(count):
        line = f"films\tvideos\t{tmp_path}/none\t\t\t\t\t{count}\t\n"
        (tmp_path / "datasets.tsv").write_text((ROOT / "config/datasets.tsv").read_text() + line)
        test = {"from": [{"dataset": "films", "files": "*"}]}
        change = {"datasets": str(tmp_path / "datasets.tsv"), "clips": {"sets": {"test": test}}}
        return by_stage(Estimate(plan(change), only_table1=True))

    few, many = stages(10), stages(100)
    for name in ("clips", "score"):
        start = UNITS[name].start
        rest = [own[name].seconds - own[name].jobs * start for own in (few, many)]
        assert rest[1] > 5 * rest[0]
    assert many["clips"].files == pytest.approx(10 * few["clips"].files)
    assert many["clips"].jobs == 2 and few["clips"].jobs == 1


def test_a_wider_network_and_another_backbone_cost_more(plan):
    small = by_stage(Estimate(plan()))
    wide = by_stage(Estimate(plan({"training": {"ours": {"width": 1}}})))
    assert wide["train"].seconds > 4 * small["train"].seconds and wide["colorize"].seconds > small["colorize"].seconds
    vgg = by_stage(Estimate(plan({"backbone": "vgg19", "flow": "ptlflow:flownet2"})))
    assert vgg["gallery"].seconds > small["gallery"].seconds and vgg["flow"].seconds > 50 * small["flow"].seconds


def test_a_dataset_that_nobody_knows_is_named(plan):
    train = {"rendered": None, "from": [{"dataset": "none", "files": "*"}]}
    with pytest.raises(ConfigError, match="unknown dataset 'none'"):
        Estimate(plan({"clips": {"sets": {"train": train}}})).stages()


def test_parts_of_a_stage_are_summed_and_keep_their_order():
    parts = [
        StageCost("one", 1, 5, 10, 100, 2, start=1, network=4, gpu=2),
        StageCost("two", 1, 1, 1, 1, 1),
        StageCost("one", 2, 6, 20, 200, 3, start=2, network=5, gpu=3),
    ]
    assert [stage.stage for stage in summed(parts)] == ["one", "two"]
    one = summed(parts)[0]
    assert (one.jobs, one.items, one.seconds, one.size, one.files, one.start) == (3, 11, 30, 300, 5, 3)
    assert (one.network, one.gpu) == (9, 5)


def test_what_this_machine_was_measured_to_cost_counts(plan):
    shipped = {part.key: part for part in Estimate(plan()).parts()}
    measured = MachineCosts("2026-01-01", "m", 2.0, {"flow:dis": 3.0, "clips": 0.5, "score": 0.7})
    here = {part.key: part for part in Estimate(plan(), measured=measured).parts()}
    for key, factor in (("flow:dis", 3), ("clips", 0.5), ("flow:farneback", 0.7), ("colorize:ours", 0.7)):
        before, after = shipped[key], here[key]
        assert after.start == pytest.approx(2 * before.start)
        assert after.seconds - after.start == pytest.approx(factor * (before.seconds - before.start))
        assert after.network == pytest.approx(factor * before.network) and after.gpu == before.gpu


def test_a_gpu_takes_networks_alone(plan):
    stages = by_stage(Estimate(plan({"flow": "raft"})))
    for stage in ("flow", "gallery", "references", "train", "truth", "score"):
        own = stages[stage]
        assert 0 < own.gpu < own.network < own.seconds and own.start < own.seconds, stage
    assert stages["clips"].gpu == stages["images"].network == 0
    on_cpu = {name: {"accelerator": "cpu"} for name in ("ours", "ours_aligned")}
    assert by_stage(Estimate(plan({"training": on_cpu})))["train"].gpu == 0


def test_references_are_searched_for_rows_that_take_one(plan):
    alone = Estimate(plan(), only_table1=True)
    alone.rows, alone.trainings = ["grey"], {}
    alone.splits = {"clips": ["test"], "images": ["test"]}
    assert "references" not in by_stage(alone)


def test_widths_between_those_that_were_measured_lie_between():
    assert seconds_a_frame("ours", 0.25) == METHOD_SECONDS["ours"][0] and seconds_a_frame("ours", 1) == 2.66
    assert 0.4 < seconds_a_frame("ours", 0.5) < 2.66 and seconds_a_frame("ours", 0.1) == 0.4
    assert seconds_a_frame("grey", 1) == 0


def test_costs_are_of_methods_and_networks_that_there_are():
    from bench.methods.contract.rows import names
    from vision.network_files import OF_BACKBONE

    assert set(METHOD_SECONDS) <= set(names()) and set(NETWORK_SECONDS) == set(OF_BACKBONE)
