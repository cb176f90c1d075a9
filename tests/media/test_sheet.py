"""Sheets: every picture in its place, every letter that a font has, no name too long."""

import numpy as np
import pytest

from media.image import cover_crop
from media.sheet import (
    EMPTY,
    GAP,
    LABEL_WIDTH,
    LINE,
    PAPER,
    WIDTH,
    Panel,
    contact_sheet,
    font_with,
    grid,
    length_of,
    shortened,
)


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
    assert (drawn[-LINE - GAP :, GAP : GAP + 20] != PAPER).any()


def test_rows_of_a_grid_stand_below_each_other_beside_their_labels_and_under_the_headings(picture):
    pictures = [[picture(3 * row + column, 40, 60) for column in range(3)] for row in range(2)]
    labels = ["ours", "ours_aligned"]
    drawn = grid([[Panel(rgb) for rgb in row] for row in pictures], ["one", "two", "three"], labels, width=120)
    left, top = 2 * GAP + round(max(map(length_of, labels))), GAP + LINE
    assert drawn.shape == (top + 2 * (80 + GAP), left + 3 * (120 + GAP), 3)
    for row, column in np.ndindex(2, 3):
        upper, begin = top + row * (80 + GAP), left + column * (120 + GAP)
        found = drawn[upper : upper + 80, begin : begin + 120]
        np.testing.assert_array_equal(found, cover_crop(pictures[row][column], (80, 120)))
        assert (drawn[:top, begin : begin + 120] != PAPER).any()
        assert (drawn[upper : upper + 80, :left] != PAPER).any()


def test_the_lines_of_one_row_do_not_move_into_the_next(picture):
    drawn = grid([[Panel(picture(0), ("gjpqy", "gjpqy"))], [Panel(picture(1))]])
    second = 2 * GAP + 200 + 2 * LINE
    np.testing.assert_array_equal(drawn[second : second + 200, GAP : GAP + WIDTH], cover_crop(picture(1), (200, WIDTH)))
    assert (drawn[second - 2 : second] == PAPER).all()


def test_a_panel_without_a_picture_is_a_box_with_its_lines_in_it(picture):
    reason = "out_of_memory: tried to allocate more than there is, which happens with large pictures " * 5
    drawn = grid([[Panel(None, (reason,)), Panel(picture(0))]])
    box = drawn[GAP : GAP + 200, GAP : GAP + WIDTH]
    assert (box[0] == EMPTY).all() and (box[-1] == EMPTY).all() and (box[:, 0] == EMPTY).all()
    assert (box < 60).any()
    assert (np.delete(drawn, np.s_[GAP : GAP + 200], axis=0) == PAPER).all()


def test_a_long_label_is_shortened(picture):
    drawn = grid([[Panel(picture(0))]], labels=["ours_aligned_with_a_very_long_name_first_frame" * 2])
    assert drawn.shape[1] == 3 * GAP + LABEL_WIDTH + WIDTH
    assert (drawn[:, GAP + LABEL_WIDTH : 2 * GAP + LABEL_WIDTH] == PAPER).all()


def test_a_sheet_without_any_picture_is_an_error():
    with pytest.raises(ValueError, match="without any picture"):
        grid([[Panel(None, ("failed",))]])
