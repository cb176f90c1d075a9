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
        ["1.png", "2.png", "README", "SHA256SUMS", "clip.mp4", "flow.npy", "desktop.ini", "1.png.md5"],
        ["0_start.png", "1_middle.png", "2_end.png"],
        ["frame1of3.png", "frame2of3.png", "frame3of3.png"],
        ["beach.png", "forest2.png", "hill.png"],
        ["shot_00.00.01.png", "shot_00.00.02.png", "shot_00.00.03.png", "shot_00.01.00.png", "shot_00.01.01.png"],
        ["photo (1).png", "photo (2).png", "photo (3).png"],
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
        (["000.png", "001.hif", "002.png", "003.hif"], "missing_frames", r"001\.hif \(and 1 more\)"),
        (["0.png", "1.png", "2"], "missing_frames", r": 2 cannot be read"),
        (["0.png", "1.png", "2.png.part"], "missing_frames", r"2\.png\.part"),
        (["0.png", "1.png", "2.of-some-program"], "missing_frames", r"2\.of-some-program"),
        (["000.png", "001.png", "cover.jpg"], "ambiguous_frames", r"cover\.jpg has no place among the 2 numbered"),
        (["000.png", "001.png", "poster2.jpg"], "ambiguous_frames", r"poster2\.jpg has no place among the 2 numbered"),
        (["f1.png", "f2.png", "f2 (1).png"], "ambiguous_frames", r"f2\.png and f2 \(1\)\.png"),
        (["f1.png", "f2.png", "f2 2.png"], "ambiguous_frames", r"f2\.png and f2 2\.png"),
        (["f1.png", "f2 - Copy.png", "f2.png"], "ambiguous_frames", r"f2 - Copy\.png and f2\.png have one number"),
        (["1_a.png", "1_a (1).png", "2_a.png"], "ambiguous_frames", r"1_a\.png and 1_a \(1\)\.png"),
        (["0_left.png", "0_right.png", "1_left.png"], "ambiguous_frames", r"0_left\.png and 0_right\.png"),
        (["0.png", "0.5.png", "1.png", "1.5.png"], "ambiguous_frames", r"0\.png and 0\.5\.png"),
        (["F1.png", "f1.png", "f2.png"], "ambiguous_frames", r"F1\.png and f1\.png"),
        (["f1.png", "F2.png", "f3.png"], "ambiguous_frames", r"F2\.png comes before f1\.png"),
    ],
)
def test_doubts_are_named(tmp_path, names, reason, said):
    with pytest.raises(UnclearFolder, match=said) as caught:
        numbered_frames(folder_of(tmp_path, names))
    assert caught.value.reason == reason and str(tmp_path) in str(caught.value)


def test_what_is_not_taken_is_named_by_the_suffixes_that_are(tmp_path):
    folder = folder_of(tmp_path, ["0.png", "1.jpg", "2.PNG"])
    assert len(numbered_frames(folder)) == 3
    with pytest.raises(UnclearFolder, match=r"1\.jpg cannot be read as a frame; expected \.png,"):
        numbered_frames(folder, {".png"})


def test_folders_in_a_folder_of_frames_are_passed_over(tmp_path):
    (tmp_path / "masks").mkdir()
    assert [path.name for path in numbered_frames(folder_of(tmp_path, ["0.png", "1.png"]))] == ["0.png", "1.png"]
