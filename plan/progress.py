"""What a run says while it goes on: a line for each job that ends, how long is left, warnings once, and the result.

Nothing here prints or asks for the time: each event of Snakemake has a method that returns the lines to print.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from plan import job_log
from plan.cost import LITTLE, Costs, Running, seconds_left

# Jobs of a rule that is expected to take so many seconds are announced when they begin.
LONG = 60
# After so many silent seconds one line says what goes on; the next waits twice as long, up to half an hour.
PATIENCE, LONGEST_PATIENCE = 90, 1800
# What Snakemake says after jobs failed, which has been said by then, and better.
SAID_BEFORE = ("At least one job did not complete successfully", "Exiting because a job execution failed")
# What it says before it calls a job failed: with which exit status, or by which signal.
EXIT = ("returned non-zero exit status", "died with <Signals.")
STOPPED = ("exit status 130", "SIGINT", "exit status 143", "SIGTERM")
KILLED = ("exit status 137", "SIGKILL")
# How the calls that led to an error begin.
CALLS = (job_log.TRACEBACK, '  File "')


@dataclass(frozen=True)
class Job:
    """A job that has begun: its rule, what of (its wildcards), its log, and when in seconds."""

    rule: str
    of: tuple[str, ...]
    log: Path | None
    began: float

    @property
    def name(self) -> str:
        return " ".join((self.rule, *self.of))

    @cached_property
    def share(self) -> float:
        """Of its work, what an earlier job has not done. Asked for once its log says how far it is."""
        return job_log.share_done(self.lines())

    def lines(self, last: int | None = None) -> list[str]:
        return job_log.lines_of(self.log, last) if self.log else []


class Progress:
    """A run that Snakemake does. All times are seconds of one clock."""

    def __init__(self, costs: Costs, cores: int, now: float):
        self.costs, self.cores = costs, cores
        self.needs: dict[str, list[str]] = {}
        self.waiting: Counter[str] = Counter()
        self.running: dict[int, Job] = {}
        self.total = self.done = self.failures = 0
        self.began = self.spoke = now
        self.patience = PATIENCE
        self.left = self.exit = ""
        self.warnings: Counter[str] = Counter()

    def graph(self, nodes: list[dict], links: list[dict]) -> None:
        """Which rule reads what other rules make, as Snakemake's rule graph tells."""
        for link in links:
            self.needs.setdefault(nodes[link["target"]]["rule"], []).append(nodes[link["source"]]["rule"])

    def planned(self, jobs: Mapping[str, int], now: float) -> list[str]:
        """`jobs`: how many of each rule, and their `total`."""
        self.waiting = Counter({rule: count for rule, count in jobs.items() if rule != "total"})
        self.total = jobs["total"]
        self.left = about(self._seconds_left(now))
        by = f" (by costs measured on this machine on {self.costs.on})" if self.costs.on else ""
        return [f"{plural(self.total, 'job')} on {plural(self.cores, 'core')}: {self.left}{by}"]

    def started(
        self, number: int, rule: str, wildcards: Mapping[str, str], log: Iterable[str], now: float
    ) -> list[str]:
        """A line if the job will take long; `log`: the files that Snakemake calls its log."""
        of = tuple(f"shard {value}" if key == "shard" else str(value) for key, value in wildcards.items())
        self.running[number] = job = Job(rule, of, next(map(Path, log), None), now)
        self.waiting[rule] -= 1
        if self.costs.before(rule) < LONG:
            return []
        return [self._row("", job.name, "begins", f"takes {about(self.costs.of(rule))}")]

    def finished(self, number: int, now: float) -> list[str]:
        job = self.running.pop(number)
        self.done += 1
        lines = job.lines()
        if (share := job_log.share_done(lines)) >= LITTLE:
            self.costs.finished(job.rule, (now - job.began) / share)
        self.warnings.update(job_log.warnings(lines))
        self.spoke, self.patience = now, PATIENCE
        left = about(self._seconds_left(now)) if self.done < self.total else ""
        changed, self.left = left if left != self.left else "", left
        count = f"[{self.done:>{len(str(self.total))}}/{self.total}]"
        return [self._row(count, job.name, duration(now - job.began), changed and f"{changed} left")]

    def failed(self, number: int, now: float) -> list[str]:
        """The name of a job, the message of its error, and where its log is."""
        if (job := self.running.pop(number, None)) is None:
            return []
        self.spoke = now
        if any(status in self.exit for status in STOPPED):
            return [self._row("stopped", job.name, duration(now - job.began))]
        self.failures += 1
        reason = job_log.why(job.lines())
        if any(status in self.exit for status in KILLED):
            reason = [*reason, "It was killed, perhaps because memory ran out."]
        first = self._row("FAILED", job.name, duration(now - job.began))
        where = [f"The whole log: {job.log}"] if job.log else []
        return [first, *(f"    {line}".rstrip() for line in reason + where)]

    def said(self, text: str, error: bool) -> list[str]:
        """A warning or an error of Snakemake itself: once, and without the calls that led to it."""
        if any(phrase in text for phrase in EXIT):
            self.exit = text
        if any(phrase in text for phrase in SAID_BEFORE + EXIT):
            return []
        lines = text.strip("\n").splitlines()
        if any(line.startswith(CALLS) for line in lines):  # they and their code are indented, what is wrong is not
            lines = [line for line in lines if line.strip() and not line.startswith((" ", job_log.TRACEBACK))]
        if lines and lines[0].startswith("WorkflowError in file"):
            lines = lines[1:]
        if error:
            return lines
        text = "\n".join(lines)
        self.warnings[text] += 1
        return [f"warning: {text}"] if self.warnings[text] == 1 else []

    def silent(self, now: float) -> list[str]:
        """A line about what goes on, if it is time for one."""
        if not self.running or now - self.spoke < self.patience:
            return []
        self.spoke, self.patience = now, min(2 * self.patience, LONGEST_PATIENCE)
        self.left = about(self._seconds_left(now))
        return [self._row("", f"{self._going_on(now)}; {self.left} left")]

    def status(self, now: float) -> str:
        """One line about what goes on now, for a terminal."""
        if not self.running:
            return ""
        return f"[{self.done}/{self.total}] {self._going_on(now)}; {about(self._seconds_left(now))} left"

    def _going_on(self, now: float) -> str:
        return ", ".join(f"{job.name} ({self._how_far(job, now)})" for job in self.running.values())

    def _how_far(self, job: Job, now: float) -> str:
        steps = job_log.steps(job.lines(last=4096))
        return f"{steps[0]}/{steps[1]}" if steps else duration(now - job.began)

    def _seconds_left(self, now: float) -> float:
        running = [Running(job.rule, self._left_of(job, now)) for job in self.running.values()]
        return seconds_left(+self.waiting, running, self.needs, self.costs.of, self.cores)

    def _left_of(self, job: Job, now: float) -> float:
        """Seconds: as its log says how far it is, or as jobs of its rule take."""
        took = now - job.began
        if self.costs.before(job.rule) >= LONG and (steps := job_log.steps(job.lines(last=4096))):
            done, total = steps
            own = done - (1 - job.share) * total
            if own >= 1:
                return took * (total - done) / own
        return max(self.costs.of(job.rule) - took, 0.0)

    def _row(self, count: str, name: str, took: str = "", left: str = "") -> str:
        width = 2 * len(str(self.total)) + 3
        return f"{count:<{width}} {name:<34} {took:>12}   {left}".rstrip()


def duration(seconds: float) -> str:
    """`15 s`, `3 min 44 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 1)} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def about(seconds: float) -> str:
    """`about 6 minutes`: as exact as an estimate is."""
    minutes = seconds / 60
    if minutes < 0.75:
        return "less than a minute"
    if minutes < 20:
        return f"about {plural(round(minutes), 'minute')}"
    if minutes < 90:
        return f"about {5 * round(minutes / 5)} minutes"
    return f"about {plural(round(minutes / 60), 'hour')}"


def plural(count: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
