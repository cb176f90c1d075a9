"""How long is left of a run: all work shared by the cores, or the longest chain of jobs."""

from collections import Counter
from pathlib import Path

import pytest

from plan.cost import FEW, OTHERS, SECONDS, Costs, Running, earlier, seconds_left

RULES = Path(__file__).parents[2] / "workflow/rules"
NEEDS = {"train": ["flow"], "colorize": ["train", "colorize"], "table": ["colorize"]}
COST = {"flow": 10.0, "train": 300.0, "colorize": 20.0, "table": 5.0}


def left(waiting, running=(), cores=2):
    return seconds_left(Counter(waiting), running, NEEDS, COST.__getitem__, cores)


def test_much_work_is_shared_by_the_cores():
    assert left({"colorize": 100}) == 1000 and left({"colorize": 100}, cores=4) == 500


def test_the_longest_chain_counts_where_cores_are_idle():
    assert left({"flow": 1, "train": 1, "colorize": 1, "table": 1}, cores=8) == 335
    assert left({"flow": 1, "train": 1, "colorize": 1, "table": 1}, cores=1) == 335


def test_of_a_running_job_its_rest_counts():
    assert left({"colorize": 1, "table": 1}, [Running("train", 30), Running("train", 100)]) == 125
    assert left({}, [Running("table", 2)]) == 2


def test_nothing_is_left_at_the_end():
    assert left({}) == 0


def test_jobs_of_this_folder_tell_what_their_like_will_take(tmp_path):
    for name, seconds in (("train/ours", "100"), ("train/other", "200"), ("flow/dis/test/0", "7.5"), ("table1", "4")):
        path = tmp_path / f"{name}.benchmark.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:07\t-\n")
    for number, content in enumerate((b"", b"s\th:", b"s\th:m:s\n-\t-\n", b"s\tnan\nnan\t-\n", b"\xff\n\xff\n")):
        (tmp_path / f"train/broken{number}.benchmark.tsv").write_bytes(content)
    measured = earlier(tmp_path)
    assert {rule: sorted(seconds) for rule, seconds in measured.items()} == {
        "train": [100, 200],
        "flow": [7.5],
        "table1": [4],
    }
    costs = Costs(measured)
    assert costs.of("train") == 150 and costs.of("score") == SECONDS["score"] and costs.of("new") == OTHERS


def test_a_job_that_went_on_counts_for_the_whole(tmp_path):
    def job(name, seconds, said):
        path = tmp_path / "score" / f"{name}.benchmark.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0\n")
        path.with_name(f"{name}.log").write_text(said)

    job("whole", 40, "score whole: 0/20 [00:00, ?it/s]\nscore whole: 20/20 [00:40, 2.0s/it]\n")
    job("resumed", 10, "score resumed: 15 of 20 were done before, 5 to do\nscore resumed: 15/20 [00:00, ?it/s]\n")
    job("little", 3, "score little: 18 of 20 were done before, 2 to do\n")
    job("nothing", 2, "score nothing: 20 of 20 were done before, 0 to do\nscore nothing: 20/20 [00:00, ?it/s]\n")
    assert sorted(earlier(tmp_path)["score"]) == [40, 40]


def test_what_this_machine_was_measured_to_cost_is_expected_of_rules_that_never_ran():
    costs = Costs({"score": [3.0]}, factor=2.0, on="2026-01-01")
    assert costs.before("score") == 3 and costs.before("train") == 2 * SECONDS["train"]


def test_a_slower_machine_is_seen_by_its_finished_jobs():
    costs = Costs({})
    for _ in range(100):
        costs.finished("score", 2 * SECONDS["score"])
    assert costs.of("train") == pytest.approx(2 * SECONDS["train"], rel=0.06)
    early = Costs({})
    early.finished("sources", 4 * SECONDS["sources"])
    assert early.of("train") == pytest.approx(SECONDS["train"] * (FEW + 4) / (FEW + 1))  # one small job says little


def test_only_rules_that_there_are_have_a_cost():
    rules = "".join(path.read_text() for path in RULES.glob("*.smk"))
    assert not [rule for rule in SECONDS if f"rule {rule}:" not in rules and f" as {rule} with" not in rules]
