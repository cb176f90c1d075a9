"""What is read from a job's log: steps, warnings, and the message of its error."""

from threading import Event, Thread

import pytest

from plan.job_log import lines_of, share_done, steps, warnings, why

TRACED = """train ours: 10/120 [00:20, 2.00s/it]
Traceback (most recent call last):
  File "/x/run.py", line 5, in <module>
    main()
KeyError: 'the first'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/x/run.py", line 9, in <module>
    raise ValueError
ValueError: film.mkv: no frame can be decoded
  put a whole file there
"""


def test_the_last_line_of_steps_counts():
    lines = ["train ours: 0/120 [00:00, ?it/s]", "train ours: 71/120 [03:23, 2.46s/it]", "and 3/4 of it"]
    assert steps(lines) == (71, 120) and steps(lines[2:]) is None and steps([]) is None


def test_warnings_are_found_in_both_forms_once():
    lines = [
        "warning: LPIPS is left out",
        "/somewhere/video.py:365: UserWarning: its sound breaks off",
        "  warnings.warn(",
        "warning: LPIPS is left out",
        "a warning: in the middle",
    ]
    assert warnings(lines) == ["LPIPS is left out", "its sound breaks off"]


def test_an_error_is_its_message_without_the_calls():
    assert why(TRACED.splitlines()) == ["ValueError: film.mkv: no frame can be decoded", "  put a whole file there"]


def test_without_a_traceback_the_last_lines_tell():
    lines = [f"line {number}" for number in range(20)] + ["", "score grey: clips: 1/3 [00:01, 1it/s]"]
    assert why(lines)[-1] == "line 19" and len(why(lines)) < 10
    assert why([]) == []


def test_a_log_is_read_whole_or_its_end(tmp_path):
    assert lines_of(tmp_path / "none.log") == []
    log = tmp_path / "a.log"
    log.write_bytes(b"first\n\xffsecond\nlast\n")
    assert len(lines_of(log)) == 3 and lines_of(log, last=5) == ["last"]


def test_a_log_that_goes_while_it_is_read_is_empty(tmp_path):
    log, over = tmp_path / "log", Event()

    def come_and_go():
        while not over.is_set():
            log.write_text("one\n")
            log.unlink()

    thread = Thread(target=come_and_go)
    thread.start()
    try:
        seen = {tuple(lines_of(log, last)) for _ in range(2000) for last in (None, 4096)}
    finally:
        over.set()
        thread.join()
    assert seen <= {(), ("one",)}


@pytest.mark.parametrize(
    ("lines", "share"),
    [
        ([], 1),
        (["train ours: 0/120 [00:00, ?it/s]", "train ours: 60/120 [00:10, 1it/s]"], 1),
        (["train ours: 90/120 [00:00, ?it/s]", "train ours: 120/120 [00:10, 1it/s]"], 0.25),
        (
            ["a: clips: 3 of 4 were done before, 1 to do", "a: clips: 3/4 [00:00, ?it/s]", "a: images: 0/4 [00:00]"],
            5 / 8,
        ),
        (["a: 4 of 4 were done before, 0 to do"], 0),
        (["a: 0/0 [00:00, ?it/s]"], 1),
        (["clips test shard 0: 3 clips of 3 sources", "b: 7"], 1),
    ],
)
def test_the_share_that_a_job_did_itself(lines, share):
    assert share_done(lines) == share
