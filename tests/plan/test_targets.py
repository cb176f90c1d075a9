"""Targets that nothing makes."""

from dataclasses import dataclass, field

import pytest

from plan.targets import asked_for, outputs_of, wrong_target

WILDCARDS = {"row": ["grey", "ours"]}


@dataclass
class Rule:
    """What is asked of a rule of Snakemake."""

    name: str
    output: list[str] = field(default_factory=list)

    def has_wildcards(self) -> bool:
        return any("{" in output for output in self.output)

    def is_producer(self, path: str) -> bool:
        return path in outputs_of(self, WILDCARDS)


RULES = [
    Rule("all"),
    Rule("table1", ["results/table1.csv", "results/table1.md"]),
    Rule("score", ["results/score/{row,grey|ours}.parquet"]),
    Rule("clips", ["results/shards/clips/{shard,[0-9]+}.parquet"]),
]


@pytest.mark.parametrize(
    "target", ["all", "table1", "results/table1.md", "./results/table1.csv", "results/score/ours.parquet"]
)
def test_what_a_rule_makes_or_is_called_is_right(target):
    assert wrong_target([target], RULES, WILDCARDS) is None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, beside a file."""
    (tmp_path / "clip.mp4").touch()
    (tmp_path / "here/results/clips").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_a_file_outside_need_not_be_made(folder):
    assert wrong_target(["../clip.mp4", str(folder.parent / "clip.mp4")], RULES, WILDCARDS) is None
    assert "clip.avi" in wrong_target(["../clip.avi"], RULES, WILDCARDS)


def test_what_is_there_and_no_rule_makes_is_no_target(folder):
    (folder / "results/tabel1.csv").touch()
    assert "did you mean 'results/table1.csv'?" in wrong_target(["results/tabel1.csv"], RULES, WILDCARDS)
    assert "nothing makes 'results/clips'" in wrong_target(["results/clips"], RULES, WILDCARDS)
    assert wrong_target(["."], RULES, WILDCARDS)


def test_the_hint_counts_from_the_working_directory(folder):
    said = wrong_target([str(folder / "results/table1.csv")], RULES, WILDCARDS)
    assert "did you mean 'results/table1.csv'?" in said


@pytest.mark.parametrize(
    ("target", "nearest"),
    [
        ("results/tabel1.csv", "results/table1.csv"),
        ("tabel1", "table1"),
        ("results/score/gray.parquet", "results/score/grey.parquet"),
    ],
)
def test_the_nearest_target_is_named(target, nearest):
    said = wrong_target(["all", target], RULES, WILDCARDS)
    assert repr(target) in said and f"did you mean {nearest!r}?" in said


def test_where_nothing_is_near_the_list_is_named():
    said = wrong_target(["xyz"], RULES, WILDCARDS)
    assert "did you mean" not in said and "docs/output-layout.md" in said


def test_a_rule_for_many_files_is_no_target():
    assert "results/score/grey.parquet" in wrong_target(["score"], RULES, WILDCARDS)
    assert "such as" not in wrong_target(["clips"], RULES, WILDCARDS)


@pytest.mark.parametrize(
    ("command", "targets"),
    [
        (["/bin/snakemake", "-n", "a.csv", "--cores", "2"], ["a.csv"]),
        (["/lib/snakemake/__main__.py", "--configfile", "x.yaml", "y.yaml", "--", "a", "b"], ["a", "b"]),
        (["/home/plan/make.py", "--cores", "2", "--", "results/table1.csv"], ["results/table1.csv"]),
        (["/bin/snakemake", "--cores", "2"], []),
        (["/bin/pytest", "a.csv"], []),
    ],
)
def test_targets_are_those_of_snakemakes_command_line(command, targets):
    assert asked_for(command) == targets
