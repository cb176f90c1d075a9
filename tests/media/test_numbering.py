"""Which files are the frames of a folder, and what leaves a doubt."""

import pytest

from media.numbering import UnclearFolder, numbered_frames


def folder_of(path, names):
    for name in names:
        (path / name).touch()
    return path


@pytest.mark.parametrize(
    "names",
    [
        ["f9.png", "f10.png", "f11.png"],
        ["0.png", "5.png", "10.jpg", "15.JPG"],  # every fifth frame
        ["1.jfif", "2.jpg", "3.jfif"],
        ["left_1.png", "left_2.png", "right_1.png", "right_2.png"],
        ["shot2_001.png", "shot2_002.png", "shot5_001.png"],
        ["1403636579763555584.png", "1403636579813555456.png", "1403636579913555456.png"],  # times
        ["a.png", "b.png", "d.png"],
        ["1.png", "2.png", "notes.txt", "2.json", "._3.png", ".4.heic", "Thumbs.db"],
        ["only.webp"],
        [],
    ],
)
def test_frames_without_a_doubt(tmp_path, names):
    found = [path.name for path in numbered_frames(folder_of(tmp_path, names))]
    pictures = [name for name in names if name.lower().endswith((".png", ".jpg", ".jfif", ".webp")) and name[0] != "."]
    assert found == pictures


@pytest.mark.parametrize(
    ("names", "reason", "said"),
    [
        (["0.png", "1.png", "3.png", "4.png"], "missing_frames", r"after 1\.png comes 3\.png"),
        (["f08.png", "f09.png", "f11.png"], "missing_frames", r"after f09\.png comes f11\.png"),
        (["0.png", "5.png", "15.png"], "missing_frames", r"after 5\.png comes 15\.png"),
        (["00001.png", "00001.jpg", "00002.png"], "ambiguous_frames", r"00001\.(png|jpg) and 00001\.(png|jpg)"),
        (["1.png", "01.png", "2.png"], "ambiguous_frames", r"0?1\.png and 0?1\.png"),
        (["1.jpg", "2.HEIC", "3.jpg"], "missing_frames", r"2\.HEIC cannot be read"),
        (["1.jpg", "2.jpg", "3.avif", "4.avif"], "missing_frames", r"3\.avif \(and 1 more\)"),
        (["a.heic"], "missing_frames", r"a\.heic"),
    ],
)
def test_doubts_are_named(tmp_path, names, reason, said):
    with pytest.raises(UnclearFolder, match=said) as caught:
        numbered_frames(folder_of(tmp_path, names))
    assert caught.value.reason == reason and str(tmp_path) in str(caught.value)
