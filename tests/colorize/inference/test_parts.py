"""Going on with an unfinished output: what is damaged is made again, what is not ours stays."""

from pathlib import Path

import numpy as np
import pytest

from colorize.inference.clip import CannotColorize
from colorize.inference.parts import Parts, State

RECIPE = {"input": "a", "weights": "b"}


@pytest.fixture
def parts(tmp_path):
    return Parts(tmp_path / "out.mp4", RECIPE)


@pytest.fixture
def three(parts):
    """Three segments, of 4, 8 and 9 frames in all."""
    assert parts.begin() == State()
    for segments, frames in ((1, 4), (2, 8), (3, 9)):
        file = parts.folder / f"{segments - 1:05d}.mp4"
        file.write_bytes(bytes([segments] * 100))
        parts.save(State(segments, frames, np.full((2, 3, 3), segments, np.float32)), [file])
    return parts


def went_on(parts) -> tuple:
    state = Parts(parts.folder.with_name("out.mp4"), RECIPE).begin()
    return state.segments, state.frames, state.last_lab if state.last_lab is None else float(state.last_lab[0, 0, 0])


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "flipped": flipped,
    "last": lambda content: content[:-1] + b"x",
    "other": lambda content: b"[1, 2]\n",
}


def test_goes_on_after_the_last_segment(three):
    assert went_on(three) == (3, 9, 3.0)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("state.npz", (2, 8, 2.0)),
        ("00001.npz", (0, 0, None)),
        ("00002.npz", (1, 4, 1.0)),
        ("00002.mp4", (2, 8, 2.0)),
        ("00000.mp4", (0, 0, None)),
        ("00001.mp4", (1, 4, 1.0)),
        ("recipe.json", (0, 0, None)),
    ],
)
def test_what_is_damaged_is_made_again_and_named(three, capsys, name, expected, damage):
    file = three.folder / name
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert went_on(three) == expected
    said = [line for line in capsys.readouterr().out.splitlines() if str(file) in line]
    assert len(said) == 1 and ("again" in said[0] or "anew" in said[0])
    assert went_on(three) == expected  # and it is said once
    assert str(file) not in capsys.readouterr().out


def test_an_output_of_a_name_as_long_as_names_can_be(tmp_path):
    parts = Parts(tmp_path / ("文" * 85), {})
    assert parts.begin() == State() and parts.folder.is_dir()


@pytest.mark.parametrize("name", ["state.npz", "00002.mp4"])
def test_what_is_gone_is_made_again(three, name):
    (three.folder / name).unlink()
    assert went_on(three) == (2, 8, 2.0)


def test_after_a_damage_new_states_take_the_places_of_the_old(three):
    (three.folder / "00001.mp4").write_bytes(b"")
    assert went_on(three) == (1, 4, 1.0)
    for segments, frames in ((2, 8), (3, 9)):
        file = three.folder / f"{segments - 1:05d}.mp4"
        file.write_bytes(bytes([segments] * 100))
        three.save(State(segments, frames, np.full((2, 3, 3), 10 * segments, np.float32)), [file])
    assert went_on(three) == (3, 9, 30.0)
    (three.folder / "state.npz").unlink()
    assert went_on(three) == (2, 8, 20.0)


def test_pickles_are_not_read(three):
    from media.seal import seal

    np.savez(three.folder / "state.npz", segments=np.array([{}], object))
    seal(three.folder / "state.npz")
    assert went_on(three) == (2, 8, 2.0)


@pytest.mark.parametrize("fresh", [False, True])
def test_files_of_others_stay(three, capsys, fresh):
    names = {"diary.txt", ".DS_Store", "holiday.mp4", "00001.npz.bak"}
    for name in names:
        (three.folder / name).write_text("mine")
    changed = Parts(three.folder.with_name("out.mp4"), RECIPE if fresh else RECIPE | {"input": "c"})
    assert changed.begin(fresh) == State()
    changed.remove()
    assert {path.name for path in three.folder.iterdir()} == names
    assert "not ours" in capsys.readouterr().out


def test_a_removal_that_is_broken_off_leaves_a_folder_that_is_known(three, monkeypatch):
    unlink, left = Path.unlink, iter(range(3))

    def broken_off(path, **options):
        next(left)
        unlink(path, **options)

    with monkeypatch.context() as patch, pytest.raises(StopIteration):
        patch.setattr(Path, "unlink", broken_off)
        three.remove()
    state = Parts(three.folder.with_name("out.mp4"), RECIPE).begin()
    assert state.segments < 3


def test_what_stands_in_the_place_of_ours_is_refused(three, tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"my film")
    (three.folder / "00007.mp4").symlink_to(film)
    with pytest.raises(CannotColorize, match=r"00007.mp4: is in the way and not ours"):
        went_on(three)
    (three.folder / "00007.mp4").unlink()
    (three.folder / "frames").mkdir()
    (three.folder / "frames" / "holiday.png").touch()
    with pytest.raises(CannotColorize, match=r"frames/holiday.png: is in the way and not ours"):
        went_on(three)
    assert film.read_bytes() == b"my film"


@pytest.mark.parametrize("kind", ["file", "link", "somebody's"])
def test_a_folder_that_is_none_of_ours_is_refused(parts, tmp_path, kind):
    if kind == "file":
        parts.folder.write_text("mine")
    elif kind == "link":
        (tmp_path / "elsewhere").mkdir()
        parts.folder.symlink_to(tmp_path / "elsewhere")
    else:
        parts.folder.mkdir()
        (parts.folder / "00000.mp4").write_text("mine")
    with pytest.raises(CannotColorize, match="in the way and not ours"):
        parts.begin(fresh=True)
    assert parts.folder.exists()


def test_what_a_kill_has_left_is_cleared(three):
    for name in (".00003.mp4.part", ".recipe.json.part"):
        (three.folder / name).touch()
    assert went_on(three) == (3, 9, 3.0)
    assert not list(three.folder.glob(".*"))
    only = Parts(three.folder.with_name("new.mp4"), RECIPE)
    only.folder.mkdir()
    (only.folder / ".recipe.json.part").touch()
    assert only.begin() == State()


def test_a_frame_too_many_or_too_few_is_named(parts):
    parts.begin()
    parts.frames.mkdir()
    for name in ("00000.png", "00001.png", "notes.png"):
        (parts.frames / name).touch()
    with pytest.raises(CannotColorize, match=r"expected 3 frames, found 3 files; look at 00002.png, notes.png"):
        parts.check_frames({"00000.png", "00001.png", "00002.png"})
