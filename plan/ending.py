"""The last words of a run: the table, where the results are, what was warned of, and what to do next."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from plan.progress import Progress, duration, plural

REPORT = "next: `make results/report` makes the page of all rows, clips and numbers, results/report/index.html"
OWN = "next: README.md shows how to colour a clip, and how to compare on your own clips or with your own method"


def ending(progress: Progress, targets: list[Path], made: bool, now: float) -> Iterator[str]:
    """Lines for a run that ended at `now`; `made`: whether all targets are."""
    if not made:
        yield from broken_off(progress, targets)
    elif progress.total == 0:
        yield f"Nothing to be done: {', '.join(map(str, targets))} is up to date."
    else:
        for target in targets:
            yield from result(target)
        yield f"{plural(progress.done, 'job')} in {duration(now - progress.began)}; the log of each is in logs/."
    yield from warned(progress.warnings)
    if made:
        yield OWN if Path("results/report") in targets else REPORT


def result(target: Path) -> Iterator[str]:
    """A table is shown, without its notes; of other files it is said where they are. The name of a rule is no file."""
    page, markdown = target / "index.html", target.with_suffix(".md")
    if page.is_file():
        yield f"{page}: open it in a browser"
    elif target.suffix == ".csv" and markdown.is_file():
        lines = markdown.read_text().splitlines()
        notes = sum(line.startswith("- ") for line in lines)
        yield ""
        yield from (line for line in lines if line.startswith("|"))
        yield ""
        yield f"{markdown}: this table with {plural(notes, 'note')} on its numbers and marks; {target}: its data"
    elif target.exists():
        yield f"{target} is made"


def broken_off(progress: Progress, targets: list[Path]) -> Iterator[str]:
    """How far a run came that did not make its targets, and how to go on."""
    if progress.failures:
        yield f"{plural(progress.failures, 'job')} failed, so {', '.join(map(str, targets))} is not made."
    if progress.total:
        done = f"{progress.done} of {plural(progress.total, 'job')} are done and stay"
        yield f"{done}: {'mend what it says, then ' if progress.failures else ''}the same command goes on from there."


def warned(warnings: Counter[str]) -> Iterator[str]:
    """What jobs warned of, each once, with how many of them did."""
    for text, count in warnings.items():
        yield f"warning{f' of {count} jobs' if count > 1 else ''}: {text}"
