"""Paths in tables that are right after everything was moved."""

import shutil
import sysconfig
from pathlib import Path

import pandas as pd

from media.tables import REFERENCES, read_table, write_table


def test_a_table_that_was_moved_with_its_files_still_finds_them(tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "deeper" / "second"
    packaged = f"{sysconfig.get_path('purelib')}/somewhere/a.png"
    paths = [str(first / "data/a b.png"), packaged, "/elsewhere/c.png", None]
    first.mkdir()
    monkeypatch.chdir(first)
    write_table([{"path": path} for path in paths], "results/references/test.parquet", REFERENCES)
    assert read_table("results/references/test.parquet", REFERENCES)["path"].dropna().tolist() == paths[:3]
    assert not any(str(tmp_path) in str(text) for text in pd.read_parquet("results/references/test.parquet")["path"])
    second.parent.mkdir()
    shutil.move(first, second)
    monkeypatch.chdir(tmp_path)
    moved = read_table(second / "results/references/test.parquet", REFERENCES)["path"]
    assert moved.dropna().tolist() == [str(second / "data/a b.png"), *paths[1:3]] and moved.isna().sum() == 1


def test_a_table_outside_the_working_directory_has_whole_paths(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = str(Path.cwd() / "a.png")
    write_table([{"path": path}], tmp_path / "away.parquet", REFERENCES)
    assert pd.read_parquet(tmp_path / "away.parquet")["path"].tolist() == [path]
