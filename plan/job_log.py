"""Reading the log of a job: how far it is, what it warned of, and why it failed."""

import re
from os import SEEK_END
from pathlib import Path

# A line of media/bar.py.
STEPS = re.compile(r"^.+: (\d+)/(\d+) \[")
# The first such line of a loop, with its name, and a line of media/jobs.py about what an earlier job had done.
BEGUN_AT = re.compile(r"^(.+): (\d+)(?:/(\d+) \[00:00| of (\d+) were done before)")
# `warning: ...` as this project's commands say it, or `file.py:12: UserWarning: ...` as Python does.
WARNING = re.compile(r"^(?:warning: |\S+:\d+: \w*Warning: )(.+)$", flags=re.IGNORECASE)
TRACEBACK = "Traceback (most recent call last):"
# So many last lines tell why a job failed that ended without a traceback.
LAST = 8


def lines_of(log: Path, last: int | None = None) -> list[str]:
    """The lines of a log, or of its last bytes; empty where a job has written nothing yet.

    Snakemake deletes the log of an earlier run as it starts a job, so the file can go at any moment.
    """
    try:
        with open(log, "rb") as file:
            if last is not None:
                file.seek(max(file.seek(0, SEEK_END) - last, 0))
            return file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def steps(lines: list[str]) -> tuple[int, int] | None:
    """How many steps a job has done, of how many: its last line that says so."""
    matches = [match for line in lines if (match := STEPS.match(line))]
    return (int(matches[-1][1]), int(matches[-1][2])) if matches else None


def share_done(lines: list[str]) -> float:
    """Of the steps of a job, the share that it did itself: less than 1 where it went on with what an earlier one left.

    The first line about each of its loops says how many steps were done when it began.
    """
    matches = [match for line in lines if (match := BEGUN_AT.match(line))]
    first = {match[1]: (int(match[2]), int(match[3] or match[4])) for match in reversed(matches)}
    done, total = (sum(counts) for counts in zip(*first.values(), strict=True)) if first else (0, 0)
    return 1 - done / total if total else 1.0


def warnings(lines: list[str]) -> list[str]:
    """What a job warned of, each once, without the place in the code."""
    return list(dict.fromkeys(match[1] for line in lines if (match := WARNING.match(line))))


def why(lines: list[str]) -> list[str]:
    """The message of the error that ended a job, without the calls that led there; else the last lines."""
    if TRACEBACK in lines:
        last = len(lines) - lines[::-1].index(TRACEBACK)
        said = [index for index in range(last, len(lines)) if lines[index] and not lines[index].startswith(" ")]
        if said:
            return lines[said[0] :]
    return [line for line in lines if line.strip() and not STEPS.match(line)][-LAST:]
