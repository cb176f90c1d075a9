"""What a configuration comes to before it runs, part by part, from the costs in plan/cost.py and those of this machine.

How many items there will be is not known before they are looked at, so this assumes what plan/cost_table.py says.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bench.methods.contract.rows import method_of
from colorize.settings import TrainSettings, cost_of
from plan.cost import (
    FLOW_SECONDS,
    GPU_GAIN,
    GPU_SAMPLE,
    LEARNING,
    LOADING,
    METHOD_SECONDS,
    MODEL_BYTES,
    NETWORK_SECONDS,
    ON_CPU,
    PIXELS,
    SEARCHED,
    TORCH,
    UNITS,
    seconds_a_frame,
)
from plan.errors import ConfigError
from plan.measured import SHIPPED, MachineCosts
from plan.pipeline import MULTIMODAL_REFERENCES, Plan
from prep.datasets.lists import DatasetError
from prep.datasets.registry import find_dataset
from prep.datasets.selection import registered_count

WHOLE = 67  # frames of a clip whose length is `whole`, as DAVIS has them
SUMS = ("jobs", "items", "seconds", "size", "files", "start", "network", "gpu")


@dataclass(frozen=True)
class StageCost:
    """What a stage comes to, or a part of it whose jobs are alike."""

    stage: str
    jobs: int
    items: int
    seconds: float  # of one core, where networks run on it too
    size: float  # bytes
    files: float
    start: float = 0.0  # of the seconds: until the jobs have begun
    network: float = 0.0  # of the seconds: networks that a GPU can take
    gpu: float = 0.0  # seconds of a GPU for these
    key: str = ""  # what the cost of a part is known by (plan/measured.py)
    width: int = 1  # cores that one job takes
    processes: int = 1  # GPUs that one job takes
    loaders: int = 0  # further cores that do its own work beside a GPU

    def scaled(self, start: float, other: float) -> "StageCost":
        """As on a machine that takes so many times as long to begin a job, and for everything else."""
        seconds = self.start * start + (self.seconds - self.start) * other
        return replace(self, seconds=seconds, start=self.start * start, network=self.network * other)


class Estimate:
    """The costs of a plan. Raises ConfigError where its sets cannot be counted."""

    def __init__(self, plan: Plan, only_table1: bool = False, measured: MachineCosts = SHIPPED):
        self.plan, self.config, self.sets, self.measured = plan, plan.config, plan.sets, measured
        self.only_table1 = only_table1
        self.rows = plan.table1_rows if only_table1 else list(plan.rows)
        self.trainings = plan.trainings_of(self.rows)
        sets = list(self.config["clips"]["sets"])
        self.shown = [] if only_table1 else [split for split in sets if split in ("legacy", "long")]
        learning = [split for split in ("train", "validation") if split in sets] if self.trainings else []
        self.splits = {"clips": ["test", *learning, *self.shown], "images": ["test"]}
        self.splits["images"] += ["train", "validation"] if self.trainings else []

    def stages(self) -> list[StageCost]:
        """All stages that cost something, in the order in which they run."""
        return summed(self.parts())

    def parts(self) -> list[StageCost]:
        """The same, each part by itself: what is done with one flow, one training, one row."""
        parts = [*self._prepared(), *self._flow(), *self._searched(), *self._recolored(), *self._trained()]
        known = self.measured
        return [
            part.scaled(known.start, known.of(part.key))
            for part in (*parts, *self._colored(), *self._scored())
            if part.jobs
        ]

    def items(self, kind: str, split: str, prepared: bool = False) -> int:
        """About how many items a set has; `prepared`: with the reserve of what is counted."""
        own = self.config[kind]["sets"][split]
        if own.get("rendered"):
            return own["rendered"]["count"]
        return sum(self._clips_of(own, one, prepared) for one in own["from"])

    def frames(self, split: str, prepared: bool = False) -> float:
        """About how many frames the clips of a set have; `prepared` as above."""
        own, length = self.config["clips"]["sets"][split], self.config["clips"]["length"]
        if own.get("rendered"):
            return self.items("clips", split) * length
        return sum(self._clips_of(own, one, prepared) * _frames_of(one, length) for one in own["from"])

    def _clips_of(self, own: dict, selection: dict, prepared: bool) -> int:
        """How many items a selection of a set gives, which are images or clips."""
        count = self._files(selection)
        count *= 1 if selection.get("length") == "source" else own.get("per_source") or 1
        return count if prepared else min(count, selection.get("count", count))

    def _files(self, selection: dict) -> int:
        """How many files are there; of data that are not, how many the registry says."""
        dataset, reserve = selection["dataset"], selection.get("reserve", 0)
        known = self.sets.registry.get(dataset)
        try:
            registered = find_dataset(self.sets.registry, dataset)
            return len(self.sets.listed(registered, selection["files"], reserve)[0])
        except DatasetError as error:
            if known is None:
                raise ConfigError(f"config: {error}") from error
            return registered_count(known, selection.get("trial"), reserve)

    @property
    def _scale(self) -> float:
        """The pixels of a prepared frame, as a part of PIXELS."""
        height, width = self.config["clips"]["size"]
        return height * width / PIXELS

    def _photo_scale(self, split: str) -> float:
        height, width = self.config["images"]["sets"][split]["size"]
        return height * width / PIXELS

    def _prepared(self) -> Iterator[StageCost]:
        clips, images = self.splits["clips"], self.splits["images"]
        galleries = self._galleries
        filmed = [split for split in clips if split in self.sets.filmed]
        rendered = [split for split in clips if split not in filmed]
        listed = [("clips", split) for split in filmed] + [("images", split) for split in {*images, *galleries}]
        count = sum(self.items(*which, prepared=True) for which in listed)
        yield cost("sources", len(listed), count, count)
        jobs = sum(self.sets.shards_of("clips", split) for split in filmed)
        frames = sum(self.frames(split, prepared=True) for split in filmed)
        count = self._count("clips", filmed, prepared=True)
        yield cost("clips", jobs, count, frames * self._scale, pictures=frames)
        jobs = sum(self.sets.shards_of("images", split) for split in images)
        photos = sum(self.items("images", split, prepared=True) * self._photo_scale(split) for split in images)
        count = self._count("images", images, prepared=True)
        yield cost("images", jobs, count, photos, pictures=count)
        count += self._count("clips", filmed, prepared=True)
        yield cost("gather", len(filmed) + len(images), count, count)
        frames = sum(map(self.frames, rendered))
        count = self._count("clips", rendered)
        yield cost("renderings", len(rendered), count, frames * self._scale, pictures=frames)

    def _flow(self) -> Iterator[StageCost]:
        given = any("flow" in self.plan.given_to(row).get("clips", ()) for row in self.rows)
        splits = [*(["test"] if given else []), *(split for split in self.splits["clips"] if split != "test")]
        tables = {(self.config["flow"], split) for split in splits} | {(self.config["scoring_flow"], "test")}
        for name, split in tables:
            frames, jobs = self.frames(split), self.sets.shards_of("clips", split)
            seconds = 2 * FLOW_SECONDS.get(name, FLOW_SECONDS["raft"]) * frames * self._scale
            own = cost("flow", jobs, self.items("clips", split), frames * self._scale, seconds, pictures=frames)
            gpu = 0.0 if name in ON_CPU else seconds / GPU_GAIN
            yield replace(own, key=f"flow:{name}", network=seconds if gpu else 0.0, gpu=gpu)
        count = sum(self.items("clips", split) for _, split in tables)
        yield cost("gather_flow", len(tables), count, count)

    @property
    def _galleries(self) -> list[str]:
        """The image sets that references are searched in."""
        splits = ["test", *(["train"] if self.trainings else [])]
        return list(dict.fromkeys(map(self.sets.gallery_of, splits)))

    def _searched(self) -> Iterator[StageCost]:
        backbone = NETWORK_SECONDS.get(self.config["backbone"], 0)
        count = self._count("images", self._galleries)
        jobs = sum(self.sets.shards_of("gallery", gallery) for gallery in self._galleries)
        yield on_gpu(cost("gallery", jobs, count, count, count * backbone))
        predicts = self.config["references"]["within"] != "everywhere"
        network = backbone + (NETWORK_SECONDS.get(self.config["classifier"], 0) if predicts else 0)
        asked = {kind for row in self.rows for kind, own in self.plan.given_to(row).items() if "reference" in own}
        queries = [(kind, split) for kind, own in self.splits.items() for split in own if split != "validation"]
        queries = [(kind, split) for kind, split in queries if kind in asked or split != "test"]
        written = self.config["references"]["count"] + self.config["references"]["sheets"]  # pictures of a clip
        for kind, split in queries:
            own, jobs = self.items(kind, split), with_gathering(self.sets.searches_of(kind, split))
            stage = cost("references", jobs, own, own, own * network)
            seconds = stage.seconds + own * self.items("images", self.sets.gallery_of(split)) * SEARCHED
            files = own * written if kind == "clips" else own
            size = files * UNITS["references"].size * self._scale
            yield on_gpu(replace(stage, seconds=seconds, size=size, files=files))

    def _trained(self) -> Iterator[StageCost]:
        full, start = LEARNING * seconds_a_frame("ours", 1), UNITS["train"].start
        for own in self.trainings.values():
            seconds = self._training_seconds(own)
            gpu = 0.0 if _setting(own, "accelerator") == "cpu" else seconds * GPU_SAMPLE / full
            networks = max(seconds - cost_of(own) * seconds_of_loading(own), 0) if gpu else 0.0
            size, processes = MODEL_BYTES * _setting(own, "width") ** 2, own.get("processes", 1) * own.get("nodes", 1)
            threads, loaders = _setting(own, "threads"), _setting(own, "workers") * processes
            yield StageCost(
                "train", 1, cost_of(own), start + seconds, size, 8, start, networks, gpu, f"train:{own['method']}",
                threads, processes, loaders,
            )  # fmt: skip

    def _training_seconds(self, own: dict) -> float:
        return cost_of(own) * seconds_a_sample(own)

    def _recolored(self) -> Iterator[StageCost]:
        """What rows make of the training clips, for trainings that learn to correct them."""
        for row in sorted({row for own in self.trainings.values() for row in own.get("recolored", ())}):
            frames = self.frames("train")
            jobs = with_gathering(self.plan.shards_of_row(row, "train"))
            yield self._row(row, "recolor", jobs, self.items("clips", "train"), frames * self._scale, frames)

    def _colored(self) -> Iterator[StageCost]:
        yield from map(self.row, self.rows)
        if not self.only_table1:
            yield from self._shown_only()

    def row(self, row: str) -> StageCost:
        """What the colouring of the test set by a row comes to."""
        pictures = {"clips": self.frames("test"), "images": self.items("images", "test")}
        scales = {"clips": self._scale, "images": self._photo_scale("test")}
        kinds = self.plan.given_to(row)
        units = sum(pictures[kind] * scales[kind] for kind in kinds)
        items = sum(self.items(kind, "test") for kind in kinds)
        jobs = with_gathering(self.plan.shards_of_row(row, "test"))
        return self._row(row, "colorize", jobs, items, units, sum(pictures[kind] for kind in kinds))

    def _shown_only(self) -> Iterator[StageCost]:
        """The clips that are coloured to be shown alone."""
        ranks = min(MULTIMODAL_REFERENCES, self.config["references"]["count"]) - 1
        clips = ranks * len(self.plan.multimodal)
        frames = clips * self.frames("test") / max(self.items("clips", "test"), 1)
        shown = [(row, ranks, clips, frames) for row in self.plan.shown_rows("multimodal")]
        for split in self.shown:
            own = 1, self.items("clips", split), self.frames(split)
            shown += [(row, *own) for row in self.plan.shown_rows(split)]
        for row, jobs, clips, frames in shown:
            yield self._row(row, "colorize_shown", jobs, clips, frames * self._scale, frames)

    def _row(self, row: str, stage: str, jobs: int, items: int, units: float, pictures: float) -> StageCost:
        """The colouring of so many pictures by a row, which are so many units of PIXELS."""
        networks = units * self._row_seconds(row)
        own = cost("colorize", jobs, items, units, networks, stage, pictures)
        start = own.start + jobs * self._loading(row)
        own = replace(own, start=start, seconds=own.seconds + start - own.start)
        own = replace(own, key=f"colorize:{method_of(row, self.plan.rows[row])}")
        return on_gpu(own) if self.plan.uses_device(row) else replace(own, network=0.0)

    def _row_seconds(self, row: str) -> float:
        """Seconds of a row's method for a frame of PIXELS."""
        options = self.plan.rows[row]
        if {"precomputed", "command"} & set(options):
            return 0.0
        method, width = method_of(row, options), self.plan.width_of(row)
        matches = NETWORK_SECONDS.get(self.config["backbone"], 0) if method in ("nn_match", "fusion") else 0
        return seconds_a_frame(method, width) + matches

    def _loading(self, row: str) -> float:
        return TORCH if METHOD_SECONDS.get(method_of(row, self.plan.rows[row]), (0,))[0] > 0.03 else 0.0

    def _scored(self) -> Iterator[StageCost]:
        photos, clips = self.items("images", "test"), self.items("clips", "test")
        frames = self.frames("test") * self._scale
        scaled = photos * self._photo_scale("test")
        fid = NETWORK_SECONDS.get(self.config["fid_features"], 0)
        classifier = NETWORK_SECONDS.get(self.config["classifier"], 0)
        yield on_gpu(cost("truth", 1, clips + photos, frames, scaled * UNITS["truth"].each + photos * fid))
        for row in self.rows:
            jobs = with_gathering(self.plan.shards_of_row(row, "test"))
            own = cost("score", jobs, clips, frames)
            if "images" in self.plan.given_to(row):
                own = cost("score", jobs, clips + photos, frames + scaled, photos * (fid + classifier))
                own = replace(own, start=own.start + TORCH, seconds=own.seconds + TORCH, files=photos)  # their features
            yield on_gpu(replace(own, files=own.files + own.items))
        yield cost("table", 1 if self.only_table1 else 5, 0, 0, called="tables")
        if not self.only_table1:
            count = 11 + len(self.shown) + len(self.sets.absent)
            yield cost("figure", count, 0, 0, called="figures")
            yield cost("report", 1, 0, 0)

    def _count(self, kind: str, splits: Iterable[str], prepared: bool = False) -> int:
        return sum(self.items(kind, split, prepared) for split in splits)


def _frames_of(selection: dict, usual: int) -> int:
    """Frames of a clip of a selection."""
    length = selection.get("length", usual)
    return min(WHOLE, selection.get("most", WHOLE)) if length in ("whole", "source") else length


def seconds_a_sample(training: dict) -> float:
    """Seconds of a core for a sample that an entry under `training:` learns from."""
    height, width = _setting(training, "crop")
    return LEARNING * seconds_a_frame(training["method"], _setting(training, "width")) * height * width / PIXELS


def seconds_of_loading(training: dict) -> float:
    """Seconds of a core, of those of a sample, that no GPU takes: until it is there."""
    (clip, photo), share = LOADING, _setting(training, "photo_share")
    height, width = _setting(training, "frame")
    return (clip * (1 - share) + photo * share) * height * width / PIXELS


def cost(
    rule: str, jobs: int, items: int, units: float, more: float = 0.0, called: str = "", pictures: float = 0.0
) -> StageCost:
    """What jobs of a rule with so many units come to.

    Args:
        more: seconds of networks.
        called: the stage, where it is not called as the rule.
        pictures: the units where each counts as one, whatever its size; there are files of each.
    """
    own = UNITS[rule]
    start = jobs * own.start
    left = units or jobs  # tables and figures have no units
    seconds, files = start + units * own.each + more, (pictures or left) * own.files
    return StageCost(called or rule, jobs, items, seconds, left * own.size, files, start, more, key=rule)


def with_gathering(shards: int) -> int:
    """The jobs of what is made in so many shards: one more gathers those of several."""
    return shards if shards == 1 else shards + 1


def on_gpu(stage: StageCost) -> StageCost:
    """The same where a GPU can take its networks."""
    return replace(stage, gpu=stage.network / GPU_GAIN)


def summed(parts: Iterable[StageCost]) -> list[StageCost]:
    """One for each stage, in the order of their first parts."""
    stages: dict[str, StageCost] = {}
    for part in parts:
        before = stages.get(part.stage)
        sums = {name: getattr(part, name) + getattr(before, name) for name in SUMS} if before else {}
        stages[part.stage] = replace(part, **sums)
    return list(stages.values())


def _setting(training: dict, key: str):
    return training.get(key, TrainSettings.model_fields[key].default)
