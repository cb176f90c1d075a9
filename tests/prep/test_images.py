"""Photographs: one frame each, labelled, judged."""

import os

import numpy as np
import pytest
from PIL import Image

from media.image import cover_crop, read_frames, write_png


@pytest.fixture
def prepare(tmp_path, prepare_set):
    """Prepares tmp_path/photos and tmp_path/labelled from selections (dataset, files)."""
    pattern = r"\d+_(\d+)\.png"
    lines = ["name\tkind\troot\tlabel_pattern", f"photos\timages\t{tmp_path / 'photos'}\t"]
    (tmp_path / "datasets.tsv").write_text("\n".join([*lines, f"labelled\timages\t{tmp_path / 'labelled'}\t{pattern}"]))

    def run(*selections, **given):
        return prepare_set("images", [dict(zip(("dataset", "files"), s, strict=True)) for s in selections], **given)

    return run


def test_a_photograph_is_a_clip_of_one_frame(tmp_path, prepare, picture):
    write_png(tmp_path / "labelled/03_281.png", picture(0, 100, 80))
    row = prepare(("labelled", "*.png")).loc["03_281"]
    assert (row.n_frames, row.label, row.orientation, row.source) == (1, 281, "portrait", "03_281.png")
    frames = list(read_frames(tmp_path / "out/images/test/03_281", 1))
    np.testing.assert_array_equal(frames[0], cover_crop(picture(0, 100, 80), (36, 64)))


def test_every_bad_photograph_is_a_row_with_its_reason(tmp_path, prepare, picture):
    photos = tmp_path / "photos"
    good = picture(0)
    write_png(photos / "a_good.png", good)
    write_png(photos / "again.png", good)
    write_png(photos / "dark.png", good // 12)
    write_png(photos / "faded.png", (good * 0.1 + 90).astype(np.uint8))
    write_png(photos / "grey.png", good[..., :1].repeat(3, axis=-1))
    write_png(photos / "tiny.png", good[:20, :20])
    (photos / "half.png").write_bytes((photos / "a_good.png").read_bytes()[:500])
    (photos / "zero.png").touch()
    table = prepare(("photos", "*.png"), workers=2)
    assert dict(table["reason"].fillna("kept")) == {
        "a_good": "kept",
        "again": "duplicate",
        "dark": "too_dark",
        "faded": "low_chroma",
        "grey": "grayscale",
        "half": "corrupt_image",
        "tiny": "too_small",
        "zero": "corrupt_image",
    }
    assert table["label"].isna().all()
    assert [path.name for path in (tmp_path / "out/images/test").iterdir()] == ["a_good"]


def test_zero_thresholds_take_a_set_as_it_is(tmp_path, prepare, picture):
    write_png(tmp_path / "photos/grey.png", picture(0)[..., :1].repeat(3, axis=-1))
    filters = {"min_mean_l": 0, "min_mean_chroma": 0, "min_chroma_spread": 0, "min_side": 1}
    assert prepare(("photos", "*"), filters=filters)["n_frames"].item() == 1


def test_names_collide_only_between_datasets_and_a_file_is_taken_once(tmp_path, prepare, picture):
    write_png(tmp_path / "labelled/1_2.png", picture(0))
    write_png(tmp_path / "photos/1_2.png", picture(1))
    table = prepare(("labelled", "*"), ("photos", "*"), ("photos", "1*"))
    assert list(table.index) == ["labelled_1_2", "photos_1_2"]


def test_what_was_moved_is_not_prepared_again(tmp_path, prepare, picture, capsys):
    write_png(tmp_path / "photos/a.png", picture(0))
    prepare(("photos", "*"))
    (tmp_path / "photos").rename(tmp_path / "labelled")
    (tmp_path / "out").rename(tmp_path / "there")
    lines = f"name\tkind\troot\nphotos\timages\t{tmp_path / 'labelled'}\n"
    (tmp_path / "datasets.tsv").write_text(lines)
    capsys.readouterr()
    assert prepare(("photos", "*"), out="there")["n_frames"].item() == 1
    assert "1 of 1 were done before, 0 to do" in capsys.readouterr().out


def test_what_cannot_be_read_is_a_row_and_stops_nothing(tmp_path, prepare, picture):
    photos = tmp_path / "photos"
    names = ["good", "文" * 80, "new\nline", "-x", "a#b?c%41", "dot.", "'quote\"", "$x$ & <b>"]
    for seed, name in enumerate(names):
        write_png(photos / "short.png", picture(seed))
        (photos / "short.png").rename(photos / f"{name}.png")
    os.mkfifo(photos / "pipe.png")
    (photos / "self.png").symlink_to("self.png")
    open(bytes(photos) + b"/caf\xe9.png", "w").close()
    table = prepare(("photos", "*.png"))
    assert len(table) == len(names) + 3 and table["n_frames"].sum() == len(names)
    bad = table[table["reason"].notna()]
    assert set(bad["reason"]) == {"unreadable_file"} and set(bad.index) == {"pipe", "self", "caf\\xe9"}
    assert bad.loc["pipe", "detail"] == "it is a named pipe; expected a file"


def test_what_is_no_single_upright_picture(tmp_path, prepare, picture):
    photos = tmp_path / "photos"
    photos.mkdir()
    lying = Image.fromarray(picture(0, 96, 64))
    exif = lying.getexif()
    exif[0x112] = 5
    lying.save(photos / "lying.png", exif=exif)
    Image.fromarray(picture(1)).save(photos / "moves.webp", save_all=True, append_images=[Image.fromarray(picture(2))])
    write_png(photos / "large.png", picture(3, 70, 96))
    (photos / "script.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\nshowpage\n")
    table = prepare(("photos", "*"), filters={"max_pixels": 64 * 96})
    assert dict(table["reason"].fillna("kept")) == {
        "large": "too_large",
        "lying": "kept",
        "moves": "many_pictures",
        "script": "corrupt_image",
    }
    assert (table.loc["lying", "source_height"], table.loc["lying", "source_width"]) == (64, 96)
