"""The last words of a run."""

from collections import Counter
from pathlib import Path

import pytest

from plan.cost import Costs
from plan.ending import ending
from plan.progress import Progress


@pytest.fixture
def progress():
    run = Progress(Costs({}), 2, 0.0)
    run.planned({"score": 2, "total": 2}, 0.0)
    run.done = 2
    return run


def test_a_table_is_shown_with_the_place_of_its_notes(progress, tmp_path):
    (tmp_path / "table1.md").write_text("# Table 1\n\n| method |\n|:--|\n| grey |\n\n- First.\n- Second.\n")
    lines = list(ending(progress, [tmp_path / "table1.csv"], True, 628.0))
    assert [line for line in lines if line.startswith("|")] == ["| method |", "|:--|", "| grey |"]
    said = "\n".join(lines)
    assert str(tmp_path / "table1.md") in said and "2 notes" in said and "2 jobs in 10 min 28 s" in said
    assert "First" not in said and "make results/report" in said


def test_other_results_are_named(progress, tmp_path):
    report = tmp_path / "report"
    report.mkdir()
    (report / "index.html").touch()
    figure = tmp_path / "figure7.svg"
    figure.touch()
    said = "\n".join(ending(progress, [report, figure, tmp_path / "figure4.png"], True, 1.0))
    assert str(report / "index.html") in said and f"{figure} is made" in said and "figure4.png" not in said


def test_what_to_do_next_depends_on_what_there_is(progress):
    before, after = (
        list(ending(progress, [Path(target)], True, 1.0)) for target in ("results/a.svg", "results/report")
    )
    assert "make results/report" in before[-1] and "README.md" in after[-1] and "next:" in after[-1]


def test_nothing_to_be_done():
    said = list(ending(Progress(Costs({}), 2, 0.0), [Path("results/table1.csv")], True, 1.0))
    assert "Nothing to be done" in said[0] and "results/table1.csv" in said[0]


def test_a_run_that_broke_off_says_how_to_go_on(progress):
    progress.done, progress.failures = 1, 1
    said = "\n".join(ending(progress, [Path("results/table1.csv")], False, 1.0))
    assert "1 job failed" in said and "1 of 2 jobs are done" in said and "same command" in said
    assert "next:" not in said


def test_warnings_come_once_with_their_number(progress):
    progress.warnings = Counter({"LPIPS is left out": 13, "odd sound": 1})
    lines = list(ending(progress, [], True, 1.0))
    assert "warning of 13 jobs: LPIPS is left out" in lines and "warning: odd sound" in lines
