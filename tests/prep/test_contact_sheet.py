"""Contact sheets: every picture in its place, every letter that a font has, no name too long."""

import numpy as np
import pytest

from media.image import cover_crop
from prep import contact_sheet as sheet
from prep.contact_sheet import GAP, PAPER, WIDTH, Panel, class_name, contact_sheet, font_with, length_of, shortened


def test_pictures_stand_in_a_row_in_the_shape_of_the_first(picture):
    pictures = [picture(0, 108, 192), picture(1, 300, 200), picture(2, 50, 50)]
    drawn = contact_sheet([Panel(rgb, ("name", "", "third line")) for rgb in pictures])
    height = round(WIDTH * 108 / 192)
    assert drawn.shape[1] == 3 * (WIDTH + GAP) + GAP
    for index, rgb in enumerate(pictures):
        left = GAP + index * (WIDTH + GAP)
        found = drawn[GAP : GAP + height, left : left + WIDTH]
        np.testing.assert_array_equal(found, cover_crop(rgb, (height, WIDTH)))
        assert (drawn[GAP + height :, left : left + WIDTH] != PAPER).any()


def test_lines_do_not_run_into_the_next_picture_nor_out_of_the_sheet(picture):
    long = "a_name_as_long_as_nobody_would_ever_give_to_a_clip_" * 3
    drawn = contact_sheet([Panel(picture(0), (long, "gjpqy", long)), Panel(picture(1), ())])
    below = drawn[GAP + round(WIDTH * 64 / 96) + 2 :]
    assert (below[:, :GAP] == PAPER).all() and (below[:, GAP + WIDTH :] == PAPER).all()
    assert (below[-2:] == PAPER).all()


@pytest.mark.parametrize("line", ["short", "x" * 500, "кошка" * 40, "n01440764_10026_and_more_" * 4, ""])
def test_a_shortened_line_fits_and_keeps_both_ends(line):
    short = shortened(line, 300)
    assert length_of(short) <= 300
    if short != line:
        head, tail = short.split("…")
        assert line.startswith(head) and line.endswith(tail) and 0 <= len(head) - len(tail) <= 1
        assert length_of(short) > 270


def test_names_in_other_scripts_are_drawn_with_their_own_letters():
    """No box for a missing letter, and no two names alike."""

    def drawn(letter):
        return bytes(font_with(letter).getmask(letter))

    letters = "éßøŁžкΩλ–…"
    masks = [drawn(letter) for letter in letters]
    assert drawn("\U0010ffff") not in masks and len(set(masks)) == len(letters)


def test_a_letter_that_no_font_has_is_a_box_and_no_error(picture):
    drawn = contact_sheet([Panel(picture(0), ("\U0010fffe",)), Panel(picture(0), ("",))])
    assert (drawn[-sheet.LINE - GAP :, GAP : GAP + 20] != PAPER).any()


def test_the_first_of_a_classs_names():
    assert (class_name(0), class_name(281), class_name(999)) == ("0 tench", "281 tabby", "999 toilet tissue")
    with pytest.raises(ValueError, match="1000 is no ImageNet class index; expected 0 to 999"):
        class_name(1000)
