"""List files and draws: what is read, what is refused, and the lists of this repository against the rule they state."""

import hashlib
import re
from pathlib import Path

import pytest

from prep.datasets.draw import main
from prep.datasets.lists import Member, digest_of_names, draw_order, read_checksums, read_list, write_list
from prep.datasets.registry import DatasetError

LISTS = Path(__file__).parents[3] / "config" / "lists"
ILSVRC = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 50001)]


def by_hash(name):
    return hashlib.sha256(f"0/{name}".encode()).hexdigest()


def test_the_10000_images_are_those_that_the_header_says():
    members = read_list(LISTS / "imagenet-test-10k.txt")
    names = [member.name for member in members]
    assert len(set(names)) == 10_000
    assert names == sorted(sorted(ILSVRC, key=by_hash)[:10_000])
    # The published digest: a list that hashes to this is the same list.
    assert digest_of_names(names) == "580a75365deb1098d6a40dc9faa5fe1f9ba2eb72c1bd0cf672c260f07e352fc3"


def test_the_validation_images_follow_them_in_the_same_order():
    names = [member.name for member in read_list(LISTS / "imagenet-validation-500.txt")]
    assert names == sorted(sorted(ILSVRC, key=by_hash)[10_000:10_500])


@pytest.mark.parametrize(
    ("year", "sequences", "frames", "some"),
    [(2016, 20, 1376, {"cows": 104, "soapbox": 99}), (2017, 30, 1999, {"bike-packing": 69, "judo": 34})],
)
def test_the_davis_sequences_have_their_lengths(year, sequences, frames, some):
    lengths = {member.name: member.frames for member in read_list(LISTS / f"davis-{year}-val.txt")}
    assert len(lengths) == sequences and sum(lengths.values()) == frames
    assert some.items() <= lengths.items()


def test_davis_2016_is_part_of_2017():
    assert set(read_list(LISTS / "davis-2016-val.txt")) < set(read_list(LISTS / "davis-2017-val.txt"))


@pytest.mark.parametrize("path", sorted(LISTS.iterdir()), ids=lambda path: path.stem)
def test_every_list_states_the_digest_of_its_names(path):
    stated = re.search("sha256 of the names: ([0-9a-f]{64})", path.read_text()).group(1)
    names = [line.split("\t")[0] for line in path.read_text().splitlines() if not line.startswith("#")]
    assert stated == hashlib.sha256("\n".join(names).encode()).hexdigest()


def test_a_changed_list_is_refused(tmp_path):
    path = tmp_path / "list.txt"
    write_list([Member("a.mp4"), Member("b.mp4")], path, "two")
    path.write_text(path.read_text().replace("b.mp4", "c.mp4"))
    with pytest.raises(DatasetError, match="the list was changed: take it from its origin again"):
        read_list(path)


def test_what_is_written_is_read(tmp_path):
    members = [
        Member("# odd name\u2028 é.mp4", 5),
        Member("x/y z.mp4", None, "ab" * 32),
        Member("plain"),
        Member("f", 0),
    ]
    write_list(members, tmp_path / "list.txt", "made\nhere")
    assert read_list(tmp_path / "list.txt") == members
    with pytest.raises(DatasetError, match="cannot stand in a list"):
        write_list([Member("tab\t.mp4")], tmp_path / "list.txt", "no")


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path):
    (tmp_path / "list.txt").write_bytes("\ufeffbear\t3\r\ncows\r\n".encode())
    assert read_list(tmp_path / "list.txt") == [Member("bear", 3), Member("cows")]
    (tmp_path / "sums.txt").write_bytes(f"{'AB' * 32}  a b.mp4\r\n".encode())
    assert read_checksums(tmp_path / "sums.txt") == {"a b.mp4": "ab" * 32}


@pytest.mark.parametrize("line", ["bear\tmany", "bear\t3\tabc", "bear\t3\t\tmore", "\t3"])
def test_a_line_that_cannot_be_read_is_shown(tmp_path, line):
    (tmp_path / "list.txt").write_text(line + "\n")
    with pytest.raises(DatasetError, match=r"cannot read the line"):
        read_list(tmp_path / "list.txt")


def test_a_name_twice_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("a\nb\na\n")
    with pytest.raises(DatasetError, match="a is there more than once"):
        read_list(tmp_path / "list.txt")


def test_the_lists_of_davis_2016_give_the_lengths(tmp_path):
    lines = [f"/JPEGImages/480p/a-b/{n:05d}.jpg /Annotations/480p/a-b/{n:05d}.png" for n in range(3)]
    (tmp_path / "val.txt").write_text("\n".join([*lines, "/JPEGImages/480p/c/00000.jpg"]))
    assert read_list(tmp_path / "val.txt") == [Member("a-b", 3), Member("c", 1)]


def test_a_draw_is_written_as_a_list_that_gives_the_same(tmp_path):
    for number in range(9):
        path = tmp_path / "films" / f"clip {number}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(number))
    registry = tmp_path / "datasets.tsv"
    registry.write_text(
        f"name\tkind\troot\tsplit\nd\tvideos\t{tmp_path}/films\tdraw:4:7\nr\tvideos\t{tmp_path}/films\trest:4:7\n"
    )
    main("d", datasets=registry, out=tmp_path / "drawn.txt")
    main("r", datasets=registry, out=tmp_path / "rest.txt")
    drawn, rest = read_list(tmp_path / "drawn.txt"), read_list(tmp_path / "rest.txt")
    order = draw_order([f"clip {number}.mp4" for number in range(9)], 7)
    assert [member.name for member in drawn] == sorted(order[:4]) and len(rest) == 5
    assert drawn[0].sha256 == hashlib.sha256(drawn[0].name[5].encode()).hexdigest()
    head = (tmp_path / "drawn.txt").read_text()
    assert "seed 7: the first 4" in head and "all but the first 4" in (tmp_path / "rest.txt").read_text()
    registry.write_text(f"name\tkind\troot\tsplit\nd\tvideos\t{tmp_path}/films\tdrawn.txt\n")
    main("d", datasets=registry, out=tmp_path / "again.txt")
    assert read_list(tmp_path / "again.txt") == drawn


def test_a_list_of_folders_has_their_lengths(tmp_path):
    for name, length in [("bear", 2), ("cows", 3)]:
        for index in range(length):
            frame = tmp_path / "JPEGImages" / "480p" / name / f"{index:05d}.jpg"
            frame.parent.mkdir(parents=True, exist_ok=True)
            frame.touch()
    registry = tmp_path / "datasets.tsv"
    registry.write_text(f"name\tkind\troot\nDAVIS\tdavis\t{tmp_path}\n")
    main("DAVIS", datasets=registry, out=tmp_path / "list.txt")
    assert read_list(tmp_path / "list.txt") == [Member("bear", 2), Member("cows", 3)]


def test_lists_and_checksums_are_read_as_windows_writes_them(tmp_path):
    (tmp_path / "list.txt").write_bytes("\ufeff# from\r\nété.mp4  \r\nb.mp4\t\r\n\r\n".encode())
    assert [member.name for member in read_list(tmp_path / "list.txt")] == ["été.mp4", "b.mp4"]
    (tmp_path / "sums").write_bytes(f"\ufeff{'A' * 64}  été.mp4 \r\n\r\n".encode())
    assert read_checksums(tmp_path / "sums") == {"été.mp4": "a" * 64}


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
@pytest.mark.parametrize("read", [read_list, read_checksums])
def test_a_list_in_another_encoding_is_named(tmp_path, encoding, read):
    (tmp_path / "list.txt").write_bytes("été.mp4\n".encode(encoding))
    with pytest.raises(DatasetError, match=r"list\.txt is not UTF-8; it seems to be .*Save it as UTF-8"):
        read(tmp_path / "list.txt")
