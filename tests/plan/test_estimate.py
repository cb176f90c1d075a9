"""What a configuration costs before it runs."""

import pytest

from plan.cost import METHOD_SECONDS, NETWORK_SECONDS, UNITS, seconds_a_frame
from plan.errors import ConfigError
from plan.estimate import Estimate, StageCost, hours, main, table_of
from plan.reading import ROOT

# Seconds of the jobs of the default's Table 1, two jobs at a time on two cores.
MEASURED = {
    "clips": 3, "images": 5, "renderings": 15, "flow": 28, "gallery": 10, "references": 18, "train": 460,
    "colorize": 292, "truth": 7, "score": 92,
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
    assert stages["train"].items == 22110 * 40 + 120 * 2
    assert max(stages.values(), key=lambda stage: stage.seconds).stage == "train"
    assert 10 < estimate.gpu_seconds / 3600 < 25
    assert sum(stage.jobs for stage in stages.values()) == 402  # and `choices`


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


def test_the_command_prints_a_table(capsys):
    main(table1=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["stage", "jobs", "items", "CPU", "h", "GB", "files"]
    assert lines[1].startswith("sources ") and any(line.startswith("all ") for line in lines)
    assert all(len(line) <= 120 for line in lines) and len(lines) < 30


def test_the_command_names_a_wrong_configuration(tmp_path):
    (tmp_path / "wrong.yaml").write_text("sed: 1")
    with pytest.raises(SystemExit, match=r"error: .*'sed'"):
        main(configfile=(tmp_path / "wrong.yaml",))


def test_the_last_line_is_the_sum():
    stages = [
        StageCost("one", 1, 5, 3600, 1e9, 2),
        StageCost("two", 2, 0, 7200, 2e9, 3),
        StageCost("none", 0, 0, 0, 0, 0),
    ]
    lines = [line.split() for line in table_of(stages)]
    assert lines[1:] == [
        ["one", "1", "5", "1.0", "1.00", "2"],
        ["two", "2", "2.0", "2.00", "3"],
        ["all", "3", "3.0", "3.00", "5"],
    ]


@pytest.mark.parametrize(("seconds", "said"), [(36, "0.010"), (5400, "1.5"), (4.2e6, "1,167")])
def test_hours_are_as_exact_as_an_estimate_is(seconds, said):
    assert hours(seconds) == said


def test_widths_between_those_that_were_measured_lie_between():
    assert seconds_a_frame("ours", 0.25) == METHOD_SECONDS["ours"][0] and seconds_a_frame("ours", 1) == 2.66
    assert 0.4 < seconds_a_frame("ours", 0.5) < 2.66 and seconds_a_frame("ours", 0.1) == 0.4
    assert seconds_a_frame("grey", 1) == 0


def test_costs_are_of_methods_and_networks_that_there_are():
    from bench.methods.contract.rows import names
    from vision.network_files import OF_BACKBONE

    assert set(METHOD_SECONDS) <= set(names()) and set(NETWORK_SECONDS) == set(OF_BACKBONE)
