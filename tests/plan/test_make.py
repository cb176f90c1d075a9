"""The command behind `make results/...`, on a workflow of four small jobs: what it prints, and when one fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plan.make import Screen, main

ROOT = Path(__file__).parents[2]
SNAKEFILE = """
rule table:
    input: expand("results/score/{row}.txt", row=["grey", "ours"])
    output: "results/table.csv", "results/table.md"
    log: "logs/table.log"
    shell: "(printf '| row |\\\\n\\\\n- A note.\\\\n' > {output[1]}; touch {output[0]}) > {log} 2>&1"

rule score:
    output: "results/score/{row}.txt"
    log: "logs/score/{row}.log"
    shell: "(test ! -e fails || python -c 'raise ValueError(\\"no frame in {wildcards.row}\\")'; echo warning: no LPIPS; touch {output}) > {log} 2>&1"
"""  # noqa: E501


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    (folder / "Snakefile").write_text(SNAKEFILE)
    return folder


def make(folder: Path, target: str = "results/table.csv") -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "plan.make", "--cores", "1", "--keep-going", "--", target]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, cwd=folder, env=environment, **streams)
    assert "\r" not in done.stdout and "\x1b" not in done.stdout
    return done.returncode, done.stdout.splitlines()


def test_failed_jobs_are_named_with_their_message(folder):
    (folder / "fails").touch()
    code, lines = make(folder)
    said = "\n".join(lines)
    assert code == 1 and said.count("FAILED") == 2 and "2 jobs failed" in said and "0 of 3 jobs are done" in said
    assert sum("ValueError: no frame in grey" in line for line in lines) == 1 and "logs/score/grey.log" in said
    assert "Traceback" not in said and "non-zero" not in said and "File" not in said and len(lines) < 16


def test_then_a_line_a_job_the_table_and_each_warning_once(folder):
    (folder / "fails").unlink(missing_ok=True)
    code, lines = make(folder)
    assert code == 0 and [line.split()[0] for line in lines[1:4]] == ["[1/3]", "[2/3]", "[3/3]"]
    assert "3 jobs on 1 core" in lines[0] and "| row |" in lines and "- A note." not in lines
    assert lines.count("warning of 2 jobs: no LPIPS") == 1


def test_again_there_is_nothing_to_be_done(folder):
    code, lines = make(folder)
    assert code == 0 and "Nothing to be done" in lines[0]


def test_a_target_that_there_is_not_is_an_error(folder):
    code, lines = make(folder, "results/tabel.csv")
    said = "\n".join(lines)
    assert code == 1 and "results/tabel.csv" in said and "Traceback" not in said and len(lines) < 8


def test_a_dry_run_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"use snakemake -n -- results/table\.csv"):
        main(["--cores", "1", "-n", "--", "results/table.csv"])


def test_a_run_that_is_stopped_while_it_plans_says_so(tmp_path, monkeypatch, capsys):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").touch()
    monkeypatch.setattr("plan.make.args_to_api", stopped)
    assert main(["--cores", "1", "--", "results/table.csv"]) == 130
    assert capsys.readouterr().out == "stopped before any job began\n"


@pytest.mark.parametrize("cores", ["0", "-1"])
def test_no_core_is_refused(tmp_path, monkeypatch, cores):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").touch()
    with pytest.raises(SystemExit, match=f"--cores is {cores}; expected how many cores to use, 1 or more"):
        main(["--cores", cores, "--", "results/table.csv"])
    done = subprocess.run(["make", "-n", "help", f"CORES={cores}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and f"CORES is '{cores}'; expected how many cores" in done.stderr


def test_a_configuration_in_another_encoding_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_bytes("seed: 1 # é".encode("latin-1"))
    with pytest.raises(SystemExit, match=r"error: .*mine\.yaml is not UTF-8; it seems to be Latin-1"):
        main(["--cores", "1", "--configfile", "mine.yaml", "--", "results/table.csv"])


@pytest.mark.parametrize("target", ["results", "plan", "tabel1"])
def test_a_folder_and_a_wrong_name_reach_snakemake(target):
    command = ["make", "--no-print-directory", "--dry-run", target]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1].endswith(f"-- {target}")


def test_a_home_that_cannot_be_written_to_is_left_alone(tmp_path):
    (tmp_path / "file").touch()  # below which no folder can be made, by root either
    known = {**os.environ, "HOME": str(tmp_path)}
    known.pop("XDG_CACHE_HOME", None)
    for home, here in ((tmp_path / "file", True), (tmp_path, False)):
        command = ["make", "--no-print-directory", "--dry-run", "--print-data-base", "help"]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=known | {"HOME": str(home)}).stdout
        assert (f"XDG_CACHE_HOME := {ROOT}/.snakemake/cache" in said) == here


def test_a_terminal_has_one_line_that_changes(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    Screen(sys.stdout).show(["[1/3] score grey"], "[1/3] score ours 12 s; less than a minute left")
    assert capsys.readouterr().out == "\r\x1b[K[1/3] score grey\n\r\x1b[K[1/3] score ours 12"
