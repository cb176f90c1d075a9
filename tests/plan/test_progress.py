"""The lines of a run: one for each job that ends, estimates where they change, failures with their message."""

import pytest

from plan.cost import SECONDS, Costs
from plan.progress import LONG, PATIENCE, Progress, about, duration

JOBS = {"sources": 1, "train": 1, "colorize": 2, "score": 8, "total": 12}


@pytest.fixture
def run():
    progress = Progress(Costs({}), 2, 0.0)
    progress.graph(
        [{"rule": "sources"}, {"rule": "train"}, {"rule": "colorize"}],
        [{"source": 0, "target": 1, "sourcerule": "sources"}, {"source": 1, "target": 2, "sourcerule": "train"}],
    )
    progress.planned(JOBS, 0.0)
    return progress


def test_first_it_says_how_much_there_is():
    said = Progress(Costs({}), 2, 0.0).planned(JOBS, 0.0)
    assert len(said) == 1 and "12 jobs on 2 cores" in said[0] and "minutes" in said[0]


def test_a_job_that_ends_is_one_line(run):
    assert run.started(1, "colorize", {"row": "welsh2002"}, ["logs/none.log"], 0.0) == []
    (line,) = run.finished(1, 15.2)
    assert line.split()[:6] == ["[", "1/12]", "colorize", "welsh2002", "15", "s"]


def test_a_shard_is_called_so(run):
    run.started(1, "flow", {"estimator": "dis", "split": "test", "shard": "0"}, [], 0.0)
    assert "flow dis test shard 0 " in run.finished(1, 1.0)[0]


def test_a_long_job_is_announced(run):
    assert SECONDS["train"] >= LONG > SECONDS["colorize"]
    (line,) = run.started(1, "train", {"training": "ours"}, [], 0.0)
    assert "train ours" in line and about(SECONDS["train"]) in line


def test_the_time_left_is_said_where_it_changed(run):
    run.started(0, "train", {"training": "ours"}, [], 0.0)
    lines = []
    for number in range(1, 9):
        run.started(number, "score", {"row": str(number)}, [], float(number - 1))
        lines += run.finished(number, float(number))
    assert sum(" left" in line for line in lines) < 4
    assert run.finished(0, 10.0)[0].endswith("minute left")


def test_steps_of_its_log_tell_how_long_a_training_takes(run, tmp_path):
    log = tmp_path / "ours.log"
    run.started(1, "train", {"training": "ours"}, [str(log)], 0.0)
    assert "train ours (10 s)" in run.status(10.0)
    log.write_text("train ours: 10/100 [10:00, 60s/it]\n")
    assert "train ours (10/100)" in run.status(600.0) and about(5400 + SECONDS["colorize"]) in run.status(600.0)


def test_in_long_silence_a_line_now_and_then(run):
    assert run.silent(1e6) == []  # nothing runs
    run.started(1, "train", {"training": "ours"}, [], 0.0)
    said = [now for now in range(0, 3600, 10) if run.silent(float(now))]
    assert said[0] == PATIENCE and said[1] == said[0] + 2 * PATIENCE and len(said) < 7
    run.finished(1, 3600.0)
    run.started(2, "score", {"row": "a"}, [], 3600.0)
    assert run.silent(3600.0 + PATIENCE)  # patience is short again


def test_a_failure_has_name_message_and_log(run, tmp_path):
    log = tmp_path / "grey.log"
    log.write_text('Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no frame\n')
    run.started(1, "colorize", {"row": "grey"}, [str(log)], 0.0)
    lines = run.failed(1, 12.0)
    assert "FAILED" in lines[0] and "colorize grey" in lines[0] and "12 s" in lines[0]
    assert "ValueError: no frame" in lines[1] and str(log) in lines[-1] and not any("x.py" in line for line in lines)
    assert run.failures == 1 and run.failed(1, 13.0) == []


def test_a_killed_job_says_so(run):
    run.started(1, "score", {"row": "grey"}, ["logs/none.log"], 0.0)
    assert run.said("CalledProcessError: 'set -e; python' returned non-zero exit status 137.", error=True) == []
    assert any("killed" in line for line in run.failed(1, 2.0))


@pytest.mark.parametrize(
    "how",
    ["died with <Signals.SIGINT: 2>.", "died with <Signals.SIGTERM: 15>."]
    + [f"returned non-zero exit status {status}." for status in (130, 143)],
)
def test_a_job_that_a_signal_stopped_has_not_failed(run, how):
    run.started(1, "score", {"row": "grey"}, ["logs/none.log"], 0.0)
    assert run.said(f"Command 'set -e; python' {how}", error=True) == []
    (line,) = run.failed(1, 2.0)
    assert "stopped" in line and run.failures == 0


def test_warnings_of_jobs_are_counted(run, tmp_path):
    for number in (1, 2):
        log = tmp_path / f"{number}.log"
        log.write_text("warning: LPIPS is left out\n" * 3)
        run.started(number, "score", {"row": str(number)}, [str(log)], 0.0)
        run.finished(number, 1.0)
    assert run.warnings == {"LPIPS is left out": 2}


def test_errors_of_snakemake_come_without_calls_and_repetition(run):
    message = "config: 'flwo'; did you mean 'flow'?"
    text = f'WorkflowError in file "/x/common.smk", line 28:\n{message}\n  File "/x", line 2'
    assert run.said(text, error=True) == [message]
    assert run.said("WorkflowError:\nAt least one job did not complete successfully.", error=True) == []
    assert run.said("the lock is old", error=False) == ["warning: the lock is old"]
    assert run.said("the lock is old", error=False) == []


CALLS = '  File "/x/prep.smk", line 24, in <module>\n    version_of(path)\n    ^^^^^^^^^^^^^^^^'


@pytest.mark.parametrize(
    "text",
    [
        f"Traceback (most recent call last):\n\n{CALLS}\n\nValueError: no frame\n",
        f"ValueError: no frame\n{CALLS}\n",
        f"{CALLS}\nValueError: no frame",
    ],
)
def test_of_an_error_with_its_calls_only_what_is_wrong_is_said(run, text):
    assert run.said(text, error=True) == ["ValueError: no frame"]


def test_the_indented_lines_of_a_message_stay(run):
    text = "config: 'flow' is:\n  - dis\n\n  - raft"
    assert run.said(text, error=True) == text.splitlines()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (224, "3 min 44 s"), (7500, "2 h 05 min")],
)
def test_durations(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(10, "less than a minute"), (61, "about 1 minute"), (365, "about 6 minutes"), (1900, "about 30 minutes"),
     (9000, "about 2 hours")],
)  # fmt: skip
def test_estimates_are_no_more_exact_than_they_are(seconds, said):
    assert about(seconds) == said


def test_a_run_names_the_day_on_which_this_machine_was_measured():
    progress = Progress(Costs({}, 2.0, "2026-02-03"), 2, 0)
    (line,) = progress.planned({"score": 10, "total": 10}, 0)
    assert line.startswith("10 jobs on 2 cores: about ") and line.endswith("measured on this machine on 2026-02-03)")


def test_of_a_job_that_went_on_the_whole_is_learned(tmp_path):
    def expected(said):
        progress = Progress(Costs({}), 1, 0)
        progress.planned({"score": 2, "total": 2}, 0)
        (tmp_path / "score.log").write_text(said)
        progress.started(1, "score", {"row": "a"}, [str(tmp_path / "score.log")], 0)
        progress.finished(1, 100)
        return progress.costs.of("score")

    whole, resumed = "score a: 0/20 [00:00]\n", "score a: 10 of 20 were done before, 10 to do\n"
    assert expected(resumed) > expected(whole) > SECONDS["score"]
    assert expected("score a: 20 of 20 were done before, 0 to do\n") == SECONDS["score"]


def test_what_is_left_of_a_training_that_went_on_is_by_its_own_steps(tmp_path):
    progress = Progress(Costs({}), 1, 0)
    progress.planned({"train": 1, "total": 1}, 0)
    (tmp_path / "ours.log").write_text("train ours: 600/1200 [00:00, ?it/s]\ntrain ours: 700/1200 [10:00, 6s/it]\n")
    progress.started(1, "train", {"training": "ours"}, [str(tmp_path / "ours.log")], 0)
    assert "about 50 minutes left" in progress.status(600)  # 100 steps took 10 minutes
