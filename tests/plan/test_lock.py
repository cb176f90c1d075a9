"""The lock of versions: that it is that of this code, and that no change of code passes it unnoticed."""

import shutil

import pytest

from media.versions import LOCK, Code, read_lock, version
from plan.lock import compare, main, report, versioned

FILES = {
    "workflow/rules/prep.smk": 'rule clips:\n    shell:\n        "python -m prep.clips"\n',
    "workflow/rules/report.smk": 'rule report:\n    shell:\n        "python -m bench.report"\n',
    "media/__init__.py": '"""Pixels."""\n',
    "media/color.py": '"""Colours."""\n\n\ndef half(x):\n    """Half of it."""\n    return x / 2\n',
    "media/alone.py": "UNUSED = 1\n",
    "prep/__init__.py": "",
    "prep/clips.py": "def main():\n    from media import color\n\n    return color.half(1)\n",
    "bench/__init__.py": "",
    "bench/report/__init__.py": "",
    "bench/report/__main__.py": "import json\n",
    "bench/report/page/page.css": "a {}\n",
    "bench/methods/__init__.py": "",
    "bench/methods/grey.py": "from media.color import half\n",
    "bench/metrics/__init__.py": "",
    "bench/metrics/psnr.py": "import math\n",
}
GREY, REPORT = "bench.methods.grey", "bench.report.__main__"


@pytest.fixture
def root(tmp_path):
    """A checkout of a few modules, with its lock."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    main("keep", why="the first lock", root=tmp_path)
    return tmp_path


def change(root, name, text):
    (root / name).write_text(text)


def versions(root):
    code = Code(root)
    return {name: version(name, code, read_lock(root)) for name in versioned(code)}


def test_the_lock_is_that_of_this_code():
    said = report(compare())
    assert not said, said


def test_stages_methods_and_metrics_have_versions(root):
    assert versions(root) == {GREY: 1, "bench.metrics.psnr": 1, REPORT: 1, "prep.clips": 1}
    assert "media.alone" not in read_lock(root)  # nothing is made of it


@pytest.mark.parametrize(
    "text",
    [
        "# A word.\n" + FILES["media/color.py"],
        FILES["media/color.py"].replace("Half of it", "The half"),
        FILES["media/color.py"].replace("x / 2", "(\n        x / 2\n    )"),
    ],
    ids=["comment", "docstring", "layout"],
)
def test_words_and_layout_are_no_code(root, text):
    change(root, "media/color.py", text)
    assert versions(root)["prep.clips"] == 1 and compare(root).is_locked


def test_a_change_far_below_changes_the_versions_of_what_is_made_of_it(root, capsys):
    change(root, "media/color.py", FILES["media/color.py"].replace("/ 2", "/ 3"))
    found = versions(root)
    assert (found["bench.metrics.psnr"], found[REPORT]) == (1, 1)
    assert isinstance(found["prep.clips"], str) and isinstance(found[GREY], str) and found["prep.clips"] != found[GREY]
    with pytest.raises(SystemExit) as end:
        main(root=root)
    for word in ("media.color", "prep.clips", GREY, "plan versions raise", "plan versions keep"):
        assert word in str(end.value)
    assert "psnr" not in str(end.value)


def test_to_keep_gives_the_number_back_and_the_line_says_why(root):
    change(root, "media/color.py", FILES["media/color.py"].replace("x / 2", "0.5 * x"))
    main("keep", why="half is exact\n\tin both", root=root)
    assert versions(root)["prep.clips"] == 1 and compare(root).is_locked
    lock = read_lock(root)
    assert lock["media.color"].why == "half is exact in both" and lock["prep.clips"].why == "the first lock"


def test_to_raise_makes_again_what_is_made_of_the_change_and_nothing_else(root):
    change(root, "media/color.py", FILES["media/color.py"].replace("/ 2", "/ 3"))
    main("raise", why="a third", root=root)
    assert versions(root) == {GREY: 2, "bench.metrics.psnr": 1, REPORT: 1, "prep.clips": 2}
    assert read_lock(root)["prep.clips"].why == "a third" and compare(root).is_locked


def test_to_raise_one_of_two_needs_a_word_about_the_other(root):
    change(root, "media/color.py", FILES["media/color.py"].replace("/ 2", "/ 3"))
    with pytest.raises(SystemExit, match=f"{GREY}.*--others-keep"):
        main("raise", ("prep.clips",), why="a third", root=root)
    assert isinstance(versions(root)["prep.clips"], str)
    main("raise", ("prep.clips",), why="a third, which grey does not see", others_keep=True, root=root)
    assert versions(root)["prep.clips"] == 2 and versions(root)[GREY] == 1


def test_what_is_raised_by_a_part_is_all_that_is_made_of_it(root):
    main("raise", ("media.color",), why="a new look", root=root)
    assert (versions(root)["prep.clips"], versions(root)[GREY], versions(root)[REPORT]) == (2, 2, 1)


def test_a_name_that_is_no_part_is_refused_with_the_nearest(root):
    with pytest.raises(SystemExit, match=r"did you mean prep\.clips"):
        main("raise", ("prep.clip",), why="x", root=root)
    with pytest.raises(SystemExit, match="--why"):
        main("keep", why=" ", root=root)


def test_data_files_in_a_package_are_code(root):
    change(root, "bench/report/page/page.css", "b {}\n")
    assert isinstance(versions(root)[REPORT], str) and "bench.report" in report(compare(root))


@pytest.mark.parametrize("name", ["page.css~", "page.css.orig", "page.css.bak", "old.py.orig", "old.pyc", ".page.swp"])
def test_files_that_git_does_not_track_are_no_code(root, name):
    change(root, f"bench/report/page/{name}", "b {}\n")
    assert compare(root).is_locked


def test_a_module_that_is_no_python_is_named(root):
    change(root, "media/color.py", "def half(x:\n")
    with pytest.raises(ValueError, match=r"media\.color is no Python.*color\.py.*line 1"):
        versions(root)
    with pytest.raises(SystemExit, match=r"media\.color is no Python"):
        main(root=root)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"\xff\x00\x80", "decode"),
        (b"<<<<<<< HEAD", "expected the columns module, version"),
        (b"prep.x\t1\tabc\tdef", "expected the columns module, version"),
        (b"prep.x\tone\tabc\tdef\twhy", "the version of prep.x is 'one'"),
        (b"prep.clips\t1\tabc\tdef\twhy", "prep.clips has a line before this one"),
    ],
)
def test_a_broken_line_of_the_lock_is_named(root, line, said):
    lock = (root / LOCK).read_bytes()
    (root / LOCK).write_bytes(lock + line + b"\n")
    number = lock.count(b"\n") + 1
    with pytest.raises(ValueError, match=f"^plan/versions.tsv, line {number}: .*{said}.*; take the file from git"):
        read_lock(root)
    with pytest.raises(SystemExit, match=f"line {number}"):
        main(root=root)


@pytest.mark.parametrize("start", [b"", b"prep.clips\t1\tabc\tdef\twhy\n"])
def test_a_lock_without_its_first_line_is_broken(root, start):
    (root / LOCK).write_bytes(start)
    with pytest.raises(ValueError, match="line 1: expected the columns"):
        read_lock(root)


def test_a_method_that_is_not_in_the_lock_has_the_version_of_its_code(root):
    change(root, "bench/methods/mine.py", "from media.color import half\n")
    first = versions(root)
    assert isinstance(first["bench.methods.mine"], str) and first[GREY] == 1
    change(root, "bench/methods/mine.py", "from media.color import half as whole\n")
    assert versions(root)["bench.methods.mine"] != first["bench.methods.mine"]
    main("keep", why="a new method", root=root)
    assert versions(root)["bench.methods.mine"] == 1


def test_what_is_gone_leaves_the_lock(root):
    (root / "bench/methods/grey.py").unlink()
    assert GREY in report(compare(root))
    main("keep", why="grey is gone", root=root)
    assert GREY not in read_lock(root) and compare(root).is_locked


def test_without_a_lock_every_version_is_that_of_the_code(root):
    (root / LOCK).unlink()
    found = versions(root)
    assert all(isinstance(number, str) for number in found.values()) and len(set(found.values())) == len(found)


def test_a_checkout_elsewhere_has_the_same_fingerprints(root, tmp_path_factory):
    (root / LOCK).unlink()
    elsewhere = shutil.copytree(root, tmp_path_factory.mktemp("elsewhere") / "clone")
    assert versions(elsewhere) == versions(root)


def test_a_module_that_is_not_there_has_no_version(root):
    with pytest.raises(ValueError, match=r"prep\.clip:"):
        version("prep.clip", Code(root), read_lock(root))
