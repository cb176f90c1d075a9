"""What a job asks of the machine it will run on: memory, minutes and GPUs, from what such jobs were measured to take.

More than that is asked for, because machines and media differ, and with every attempt more again, so that a job which
was killed for its memory or its time gets through with the next. Here, without `--resources`, nothing is held back.
"""

from collections.abc import Callable, Collection
from math import ceil

from bench.methods.contract.method import KINDS
from bench.methods.contract.rows import method_of
from colorize.settings import TrainSettings, cost_of
from plan.cost import (
    FLOW_SECONDS,
    GPU_SAMPLE,
    LEARNING,
    NETWORK_SECONDS,
    PIXELS,
    SEARCHED,
    TORCH,
    UNITS,
    seconds_a_frame,
)
from plan.estimate import Estimate
from plan.memory import Memory
from plan.pipeline import Plan

# On a cluster two Snakemakes run beside a job, each with 200 MB.
BESIDE = 450  # MB
ROOM = 1.25  # times the measured memory
PATIENCE = 2  # times the measured seconds: other processors, shared disks
WAIT = 10  # minutes in any case: the first import of torch over a network
# Minutes that no job asks for more than: partitions commonly end there, and a job that was ended goes on where it was.
LONGEST = 24 * 60
ON_GPU = 1 / 20  # of the CPU's seconds for a network; it is less on most
LONG = {"report": 60}  # minutes of jobs that encode a film of each clip
WITHOUT_NETWORK = ("dis", "farneback")
COLORING = ("colorize", "recolor", "colorize_shown")
SPLITS = ("split", "filmed", "rendered", "gallery")  # wildcards that name a set


class Asking:
    """What the jobs of a plan ask for."""

    def __init__(self, plan: Plan):
        self.plan, self.config, self.sets = plan, plan.config, plan.sets
        self.estimate = Estimate(plan)
        self.memory = Memory(plan, self.estimate)

    def of(self, rule: str) -> dict[str, Callable]:
        """The resources of a rule's jobs, as its `resources` in the workflow.

        A rule that is made of another one (`use rule`) has the other's, so Snakemake says which it is (`rulename`).
        """
        own = {
            "mem_mb": lambda wildcards, attempt, rulename=rule: self.megabytes(rulename, wildcards, attempt),
            "runtime": lambda wildcards, attempt, rulename=rule: self.minutes(rulename, wildcards, attempt),
            "gpu": lambda wildcards, rulename=rule: self.gpus(rulename, wildcards),
        }
        return own | self._of_training() if rule == "train" else own

    def _of_training(self) -> dict[str, Callable]:
        """What a training on several nodes asks SLURM for; None is a resource that a job does not have.

        The GPUs of several nodes are asked for by node (`gres`): of their sum (`gpu`) SLURM might give one node more
        than another, and the executor's own step, which runs on the first node, would ask for all of them there.
        """
        return {
            "gpu": lambda wildcards: 0 if self._nodes(wildcards) > 1 else self.gpus("train", wildcards),
            "gres": self._gpus_of_each_node,
            "nodes": lambda wildcards: self._nodes(wildcards) if self._nodes(wildcards) > 1 else None,
            "tasks": self._tasks,
        }

    def _nodes(self, wildcards) -> int:
        return self.plan.machines_of(wildcards.get("training"))["nodes"]

    def _gpus_of_each_node(self, wildcards) -> str | None:
        nodes, gpus = self._nodes(wildcards), self.gpus("train", wildcards)
        return f"gpu:{gpus // nodes}" if nodes > 1 and gpus else None

    def _tasks(self, wildcards) -> int | None:
        """One on each node. With GPUs it would mean tasks for each of them; then SLURM's own default is one a node."""
        nodes = self._nodes(wildcards)
        return nodes if nodes > 1 and not self.gpus("train", wildcards) else None

    def megabytes(self, rule: str, wildcards, attempt: int = 1) -> int:
        """Memory of a job at its attempt, 1 for the first, in hundreds. `wildcards` has `get`, as a dict."""
        peak = self.memory.of(rule, wildcards, on_gpu=self.gpus(rule, wildcards) > 0)
        return attempt * 100 * ceil((ROOM * peak + BESIDE) / 100)

    def minutes(self, rule: str, wildcards, attempt: int = 1) -> int:
        """Minutes until a job at its attempt may be ended, at most a day."""
        seconds = self._seconds(rule, wildcards)
        return min(LONGEST, attempt * (WAIT + LONG.get(rule, 0) + ceil(PATIENCE * seconds / 60)))

    def gpus(self, rule: str, wildcards) -> int:
        """GPUs that a job asks for: where it runs networks, by the key `device`; a training by its `accelerator`.

        An `accelerator` that is `auto` takes a GPU where there is one, and asks for it where `device` does so, too.
        """
        wanted = self.config["device"] != "cpu"
        if rule == "train":
            own = self.plan.trainings[wildcards.get("training")]
            accelerator = own.get("accelerator", "auto")
            uses = accelerator not in ("cpu", "auto") or (accelerator == "auto" and wanted)
            return processes_of(own) if uses else 0
        if rule == "references" and self._searches(wildcards) > 1:  # those of its shards have found them
            return 0
        return int(wanted and self._has_network(rule.removesuffix("_shard"), wildcards))

    def _has_network(self, rule: str, wildcards) -> bool:
        """Whether a job runs networks on the configuration's `device`."""
        if rule == "flow":
            return wildcards.get("estimator") not in WITHOUT_NETWORK
        if rule in COLORING:
            return self.plan.uses_device(wildcards.get("row"))
        if rule == "score":
            return "images" in self.plan.given_to(wildcards.get("row"))
        return rule in ("gallery", "references", "truth")

    def _seconds(self, rule: str, wildcards) -> float:
        """About what a job takes on one core or, where it has one, on a GPU."""
        if rule == "train":
            return self._training_seconds(wildcards)
        rule = rule.removesuffix("_shard")
        known = "colorize" if rule in COLORING else rule
        if known not in UNITS:
            return 0.0
        unit, units = UNITS[known], self._units(rule, wildcards)
        seen = self._photos(wildcards) if rule in ("truth", "score") else units  # clips go through no network there
        networks = seen * self._network_seconds(known, wildcards)
        if self.gpus(rule, wildcards):
            networks *= ON_GPU
        return unit.start + TORCH + units * unit.each + networks + self._search_seconds(rule, wildcards)

    def _units(self, rule: str, wildcards) -> float:
        """How many frames, or items, one job of a rule has."""
        if rule in ("colorize", "truth", "score"):
            clips = self._frames("test") if "clips" in self._given(wildcards) else 0
            return clips / self._shards(wildcards) + self._photos(wildcards)
        split = "train" if rule == "recolor" else next(filter(None, map(wildcards.get, SPLITS)), None)
        if split is None:
            return 0.0
        if rule in ("clips", "flow"):
            return self._frames(split) / self.sets.shards_of("clips", split)
        if rule in ("renderings", *COLORING):
            shards = self.plan.shards_of_row(wildcards.get("row"), "train") if rule == "recolor" else 1
            return self._frames(split) / shards
        kind = "clips" if rule == "gather_flow" else wildcards.get("kind", "images")
        shards = self.sets.shards_of(rule, split) if rule in ("images", "gallery") else 1
        if rule == "references":
            shards = self._searches(wildcards)
        return self.estimate.items(kind, split) / shards

    def _photos(self, wildcards) -> float:
        """Test photographs of one job of a row, or of the truth."""
        photos = self.estimate.items("images", "test") if "images" in self._given(wildcards) else 0
        return photos / self._shards(wildcards)

    def _given(self, wildcards) -> Collection[str]:
        """The kinds of items that a row, or the truth, has."""
        row = wildcards.get("row")
        return self.plan.given_to(row) if row else KINDS

    def _shards(self, wildcards) -> int:
        row = wildcards.get("row")
        return self.plan.shards_of_row(row, "test") if row else 1

    def _searches(self, wildcards) -> int:
        """In how many shards the references of a job's set are searched for."""
        return self.sets.searches_of(wildcards.get("kind"), wildcards.get("split"))

    def _frames(self, split: str) -> float:
        height, width = self.config["clips"]["size"]
        return self.estimate.frames(split) * height * width / PIXELS

    def _network_seconds(self, rule: str, wildcards) -> float:
        """Of a unit, on one core."""
        if rule == "flow":
            return 2 * FLOW_SECONDS.get(wildcards.get("estimator"), FLOW_SECONDS["ptlflow:flownet2"])
        if rule == "colorize":
            row = wildcards.get("row")
            method = method_of(row, self.plan.rows[row])
            return seconds_a_frame(method, self.plan.width_of(row)) + self._network("backbone")
        own = {
            "gallery": ("backbone",), "references": ("backbone", "classifier"), "truth": ("fid_features",),
            "score": ("classifier", "fid_features"),
        }  # fmt: skip
        return sum(map(self._network, own.get(rule, ())))

    def _network(self, key: str) -> float:
        return NETWORK_SECONDS.get(self.config[key], 0.0)

    def _search_seconds(self, rule: str, wildcards) -> float:
        if rule != "references":
            return 0.0
        gallery = self.estimate.items("images", self.sets.gallery_of(wildcards.get("split")))
        return SEARCHED * gallery * self._units(rule, wildcards)

    def _training_seconds(self, wildcards) -> float:
        own = self.plan.trainings[wildcards.get("training")]
        settings = TrainSettings.model_construct(**own)
        height, width = settings.crop
        samples = cost_of(own) * height * width / PIXELS
        each = LEARNING * seconds_a_frame(own["method"], settings.width)
        return samples * (GPU_SAMPLE if self.gpus("train", wildcards) else each) / processes_of(own)


def processes_of(training: dict) -> int:
    """On how many processes a training runs, on all its nodes."""
    return training.get("processes", 1) * training.get("nodes", 1)
