"""What jobs cost: how long they take, with that how long is left of a run, and what an item of each stage comes to.

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

from plan import job_log

# Seconds of one job by rule: the default configuration, two cores, two jobs at a time.
SECONDS = {
    "sources": 1, "clips": 2, "images": 1, "gather": 2, "renderings": 12, "flow": 8, "gather_flow": 2,
    "gallery": 8, "references": 9, "train": 280, "colorize": 25, "recolor": 25, "colorize_shown": 20,
    "score": 11, "table1": 4, "table5": 4, "propagation": 4, "report": 60,
}  # fmt: skip
OTHERS = 10


@dataclass(frozen=True)
class Unit:
    """What a stage costs: once a job, and for each of its units, most often a frame of 216x384 or a photograph."""

    start: float  # CPU seconds of a job without units, mostly imports
    each: float  # CPU seconds of a unit, without the networks that follow
    size: float = 0  # bytes that a unit leaves
    files: float = 0  # files that a unit leaves


PIXELS = 216 * 384  # of the frame to which the following refer
# Measured on the default configuration, x86, one thread a job.
UNITS = {
    "sources": Unit(0.7, 0.001, 200),
    "clips": Unit(0.9, 0.011, 150e3, 1.04),
    "images": Unit(0.9, 0.03, 170e3, 2),
    "renderings": Unit(1.2, 0.034, 150e3, 1.04),
    "gather": Unit(1.0, 0.001, 500),
    "flow": Unit(0.8, 0.018, 165e3, 2.0),
    "gather_flow": Unit(1.0, 0.001, 100),
    "gallery": Unit(4.0, 0.01, 5.6e3, 0),
    "references": Unit(3.4, 0.06, 115e3, 1),
    "train": Unit(6.0, 0),
    "colorize": Unit(1.0, 0.013, 130e3, 1.04),
    "truth": Unit(3.5, 0.02, 4e3, 1),
    "score": Unit(1.0, 0.045, 2e3),
    "table": Unit(2.0, 0, 30e3, 4),
    "figure": Unit(2.0, 0, 5e6, 10),
    "report": Unit(60.0, 0, 50e6, 300),
}
TORCH = 2.5  # seconds until a job has imported it and loaded a network
# Seconds of a network for a frame or a photograph.
NETWORK_SECONDS = {
    "efficientnet_lite0": 0.03, "vgg19": 0.75, "vgg19_classifier": 0.56, "inception": 0.21, "inception_clean": 0.21,
}  # fmt: skip
# Seconds of a flow between two frames; one there and one back is made of each pair. Unlisted: as RAFT.
FLOW_SECONDS = {"dis": 0.01, "farneback": 0.016, "raft_small": 0.29, "raft": 0.95, "ptlflow:flownet2": 2.3}
# Seconds a frame of the methods, at a width of 0.25 and at 1 (benchmarks/README.md). Unlisted: 0.
METHOD_SECONDS = {
    "bonneel2015": (0.35, 0.35), "fusion": (0.23, 0.23), "he2018": (0.77, 3.96), "iizuka2016": (0.04, 0.42),
    "lai2018": (0.14, 0.75), "larsson2016": (0.45, 9.78), "levin2004": (0.01, 0.01), "nn_match": (0.20, 0.20),
    "ours": (0.40, 2.66), "stn2018": (0.15, 1.0), "vpn2017": (1.04, 1.09), "welsh2002": (0.03, 0.03),
    "zhang2016": (0.08, 0.96), "zhang2017": (0.17, 1.93), "flow_propagation": (0.01, 0.01),
}  # fmt: skip
LEARNING = 5.5  # times the colouring of its crop, that a sample costs in training
LOADING = (0.034, 0.106)  # of it, reading a pair of 216x384 of a clip, and making one of a photograph
GPU_SAMPLE = 0.066  # seconds of an H100 for a sample of 216x384 of the paper's model at width 1, in float32
# Times that a network colours faster on an H200 than on a core here: 0.02 s for 1.49 s (benchmarks/README.md). Not
# measured for the other networks outside training; those that are small gain less.
GPU_GAIN = 75
GPU_PAIR = 2.1e9  # bytes of a GPU for a pair of 216x384 in training at width 1, in float32
ON_CPU = ("dis", "farneback")  # flows that no GPU takes
THREAD_GAIN = 0.75  # of a core, that each further thread adds to a training; assumed
MODEL_BYTES = 144e6  # of a model of width 1
SEARCHED = 4e-8  # seconds an item and image of the gallery, many items at once (docs/scale.md)


def seconds_a_frame(method: str, width: float) -> float:
    """Seconds in which a method colours a frame of PIXELS: between those of the two widths that were measured."""
    narrow, full = METHOD_SECONDS.get(method, (0.0, 0.0))
    return narrow + (full - narrow) * max(0.0, (width**2 - 0.25**2) / (1 - 0.25**2))


LITTLE = 0.2  # of a job's work
# So many seconds of finished jobs weigh as much as what was expected.
FEW = 120


def earlier(logs: Path) -> dict[str, list[float]]:
    """Seconds of the jobs that left a benchmark file, by rule: `<logs>/<rule>/**` or `<logs>/<rule>.benchmark.tsv`.

    A job that went on where an earlier one had stopped, as the log beside tells, counts for the whole: as much longer
    as it had more to do. One that had little left to do says nothing: it took its time to begin. A file that cannot be
    read is left out: a killed job may leave half of one.
    """
    seconds: dict[str, list[float]] = {}
    for path in logs.rglob("*.benchmark.tsv"):
        rule = path.relative_to(logs).parts[0].removesuffix(".benchmark.tsv")
        with suppress(OSError, ValueError, IndexError):
            took = float(path.read_text(encoding="utf-8").splitlines()[1].split("\t")[0])
            share = job_log.share_done(job_log.lines_of(path.with_name(path.name.replace(".benchmark.tsv", ".log"))))
            if isfinite(took) and share >= LITTLE:
                seconds.setdefault(rule, []).append(took / share)
    return seconds


class Costs:
    """Seconds that a job of a rule will take, the better known the more jobs are `finished`."""

    def __init__(self, measured: Mapping[str, list[float]], factor: float = 1.0, on: str = ""):
        """measured: seconds of jobs of this folder, by rule; factor: of this machine, for rules that it lacks; on: the
        day on which that was measured."""
        self.means = {rule: mean(seconds) for rule, seconds in measured.items()}
        self.factor, self.on = factor, on
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
        return self.means.get(rule, SECONDS.get(rule, OTHERS) * self.factor)


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
