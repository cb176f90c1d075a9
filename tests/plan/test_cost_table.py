"""What the command `cost` prints, and how long a machine takes."""

import pytest

from plan.cost import GPU_PAIR, THREAD_GAIN
from plan.cost_table import gpu_memory, hours, main, table_of, wall
from plan.estimate import StageCost
from plan.measured import MachineCosts, saved


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    """Where no costs have been measured."""
    monkeypatch.chdir(tmp_path)


def test_the_command_prints_a_table(capsys):
    main(table1=True, cores=4)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == "stage jobs items CPU h GPU h + CPU h memory GB disk GB files".split()
    assert lines[1].startswith("sources ") and any(line.startswith("all ") for line in lines)
    assert all(len(line) <= 120 for line in lines) and len(lines) < 30
    assert lines[-1].startswith("On 4 cores: about 0.1") and "--calibrate" in lines[-3]


def test_the_command_tells_of_gpus_where_they_have_work(capsys):
    from plan.reading import ROOT

    main(configfile=(ROOT / "config/paper.yaml",), table1=True, cores=16, gpus=8)
    said = capsys.readouterr().out
    assert "On 16 cores and 8 GPUs: about " in said and "A training of `ours` holds up to 42 GB of a GPU" in said


def test_the_command_names_a_wrong_configuration(tmp_path):
    (tmp_path / "wrong.yaml").write_text("sed: 1")
    with pytest.raises(SystemExit, match=r"error: .*'sed'"):
        main(configfile=(tmp_path / "wrong.yaml",))


@pytest.mark.parametrize("machine", [{"cores": 0}, {"cores": -1}, {"gpus": -1}])
def test_there_is_no_such_machine(machine):
    with pytest.raises(SystemExit, match="expected 1 core or more"):
        main(**machine)


def test_costs_of_this_machine_are_named_and_damaged_ones_too(capsys, tmp_path):
    saved(MachineCosts("2026-02-03", "x86_64, 2 cores", 1.0, {"score": 2.0}))
    main(table1=True)
    assert "costs measured on this machine on 2026-02-03 (x86_64, 2 cores): 2.00 times" in capsys.readouterr().out
    (tmp_path / "logs/costs.json").write_text("{")
    with pytest.raises(SystemExit, match=r"error: logs/costs.json is not as .* writes it"):
        main(table1=True)


def test_the_last_line_is_the_sum():
    stages = [
        StageCost("one", 1, 5, 3600, 1e9, 2, network=1800, gpu=36),
        StageCost("two", 2, 0, 7200, 2e9, 3),
        StageCost("none", 0, 0, 0, 0, 0),
    ]
    lines = [line.split() for line in table_of(stages, {"one": 3e9})]
    assert lines[1:] == [
        ["one", "1", "5", "1.0", "0.010", "0.500", "3.0", "1.00", "2"],
        ["two", "2", "2.0", "0.0", "2.00", "3"],
        ["all", "3", "3.0", "0.010", "2.5", "3.0", "3.00", "5"],
    ]


@pytest.mark.parametrize(("seconds", "said"), [(36, "0.010"), (5400, "1.5"), (4.2e6, "1,167")])
def test_hours_are_as_exact_as_an_estimate_is(seconds, said):
    assert hours(seconds) == said


def test_work_is_shared_by_the_cores_until_the_longest_job_counts():
    parts = [StageCost("clips", 10, 0, 1000, 0, 0), StageCost("flow", 1, 0, 50, 0, 0)]
    assert wall(parts, 1) == 1050 and wall(parts, 5) == 250 and wall(parts, 100) == 150


def test_a_training_takes_threads_that_gain_less_than_a_core_each():
    train = [StageCost("train", 1, 0, 700, 0, 0, width=8)]
    assert wall(train, 8) == pytest.approx(700 / (1 + 7 * THREAD_GAIN)) == wall(train, 64)
    assert wall(train, 1) == 700
    two = [StageCost("train", 1, 0, 700, 0, 0, width=8)] * 2
    assert wall(two, 16) == pytest.approx(wall(train, 8)) and wall(two, 8) == pytest.approx(2 * wall(train, 8))


def test_gpus_take_the_networks_of_as_many_jobs_as_there_are():
    train = StageCost("train", 1, 0, 7210, 0, 0, start=10, network=7200, gpu=36)
    assert wall([train], 4, 1) == 46 == wall([train], 4, 8)
    assert wall([train, train], 4, 1) == 72 and wall([train, train], 4, 2) == 46
    shared = StageCost("train", 1, 0, 7210, 0, 0, start=10, network=7200, gpu=36, processes=4)
    assert wall([shared], 4, 8) == 19 and wall([shared], 4, 2) == 28
    assert wall([StageCost("clips", 1, 0, 100, 0, 0)], 4, 8) == 100
    loaded = StageCost("train", 1, 0, 7210, 0, 0, network=7110, gpu=36, loaders=2)
    assert (
        wall([loaded], 4, 1) == 50 and wall([loaded], 1, 1) == 100
    )  # samples are made beside the GPU, here too slowly


def test_a_pair_of_the_papers_training_takes_two_gigabytes_of_a_gpu():
    assert gpu_memory({"batch": 16}) == 16 * GPU_PAIR and 30e9 < gpu_memory({"batch": 16}) < 36e9  # measured: 31.7 GiB
    assert gpu_memory({"batch": 40, "processes": 8}) == 5 * GPU_PAIR
    assert gpu_memory({"batch": 40, "micro_batch": 2, "width": 0.5, "crop": [108, 192]}) == 2 * GPU_PAIR / 8
