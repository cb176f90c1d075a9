"""How long jobs take, and with that how long is left of a run.

What jobs of this folder took before counts (the benchmark files in its logs); where there are none, what they take with
the default configuration on two cores. Both are corrected by how long the finished jobs of the run took.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import mean

# Seconds of one job by rule: the default configuration, two cores, two jobs at a time.
SECONDS = {
    "sources": 1, "clips": 2, "images": 1, "gather": 2, "renderings": 12, "flow": 8, "gather_flow": 2,
    "gallery": 8, "references": 9, "train": 280, "colorize": 25, "recolor": 25, "colorize_shown": 20,
    "score": 11, "table1": 4, "table5": 4, "propagation": 4, "report": 60,
}  # fmt: skip
OTHERS = 10
# So many seconds of finished jobs weigh as much as what was expected.
FEW = 120


def earlier(logs: Path) -> dict[str, list[float]]:
    """Seconds of the jobs that left a benchmark file, by rule: `<logs>/<rule>/**` or `<logs>/<rule>.benchmark.tsv`.

    A file that cannot be read is left out: a killed job may leave half of one.
    """
    seconds: dict[str, list[float]] = {}
    for path in logs.rglob("*.benchmark.tsv"):
        rule = path.relative_to(logs).parts[0].removesuffix(".benchmark.tsv")
        with suppress(OSError, ValueError, IndexError):
            took = float(path.read_text(encoding="utf-8").splitlines()[1].split("\t")[0])
            if isfinite(took):
                seconds.setdefault(rule, []).append(took)
    return seconds


class Costs:
    """Seconds that a job of a rule will take, the better known the more jobs are `finished`."""

    def __init__(self, measured: Mapping[str, list[float]]):
        self.means = {rule: mean(seconds) for rule, seconds in measured.items()}
        self.expected = self.took = float(FEW)

    def finished(self, rule: str, seconds: float) -> None:
        """Learn from a job of this run that took so many seconds."""
        self.expected += self.before(rule)
        self.took += seconds

    def of(self, rule: str) -> float:
        """Seconds, at the speed of this run's finished jobs."""
        return self.before(rule) * self.took / self.expected

    def before(self, rule: str) -> float:
        """What was known when the run began."""
        return self.means.get(rule, SECONDS.get(rule, OTHERS))


@dataclass(frozen=True)
class Running:
    """A job that is being done, and the seconds that it has left."""

    rule: str
    left: float


def seconds_left(
    waiting: Counter[str],
    running: Iterable[Running],
    needs: Mapping[str, Iterable[str]],
    cost: Callable[[str], float],
    cores: int,
) -> float:
    """Seconds until the last job ends: all work shared by the cores, or the longest chain of jobs if that is more.

    Args:
        waiting: jobs by rule that have not begun.
        running: those that have.
        needs: the rules whose files a rule reads.
        cost: seconds of one job of a rule.
        cores: jobs that run at a time.
    """
    running = list(running)
    work = sum(cost(rule) * jobs for rule, jobs in waiting.items()) + sum(job.left for job in running)
    own = {job.rule: max(other.left for other in running if other.rule == job.rule) for job in running}
    own |= {rule: cost(rule) for rule, jobs in waiting.items() if jobs}
    chains: dict[str, float] = {}

    def chain(rule: str) -> float:
        if rule not in chains:
            chains[rule] = 0.0  # a post-processor's row reads another row: the rule is its own need
            chains[rule] = own.get(rule, 0.0) + max(map(chain, needs.get(rule, ())), default=0.0)
        return chains[rule]

    return max(work / cores, *map(chain, own), 0.0)
