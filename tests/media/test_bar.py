"""Bars: whole lines where nobody looks on, tqdm's own on a terminal."""

import io

from tqdm import tqdm

from media.bar import Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_whole_lines_from_the_start_to_the_end():
    log = io.StringIO()
    assert list(Bar(range(3), desc="score grey: clips", file=log)) == [0, 1, 2]
    first, last = log.getvalue().splitlines()
    assert first.startswith("score grey: clips: 0/3 [") and last.startswith("score grey: clips: 3/3 [")
    assert "\r" not in log.getvalue() and log.getvalue().endswith("]\n")


def test_a_line_that_was_written_is_not_written_again():
    log = io.StringIO()
    bar = Bar(total=2, desc="train ours", file=log)
    bar.update(2)
    bar.refresh()
    bar.last_print_n = bar.n
    bar.close()
    bar.close()
    assert [line.split(" [")[0] for line in log.getvalue().splitlines()] == ["train ours: 0/2", "train ours: 2/2"]


def test_a_disabled_bar_says_nothing():
    log = io.StringIO()
    assert list(Bar(range(3), file=log, disable=True)) == [0, 1, 2] and log.getvalue() == ""


def test_a_terminal_has_a_bar():
    plain, ours = Terminal(), Terminal()
    for bar, file in ((tqdm, plain), (Bar, ours)):
        for _ in bar(range(3), desc="clips", file=file, bar_format="{desc} {n_fmt}/{total_fmt} {bar}"):
            pass
    assert ours.getvalue() == plain.getvalue() and "\r" in ours.getvalue()
