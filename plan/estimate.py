"""The command `cost`: what a configuration comes to before it runs, by stage, from the costs in plan/cost.py.

How many items there will be is not known before they are looked at, so this assumes what is said under the table.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.methods.contract.rows import method_of
from colorize.metadata import metadata
from colorize.settings import TrainSettings, cost_of
from plan.cost import (
    FLOW_SECONDS,
    GPU_SAMPLE,
    LEARNING,
    METHOD_SECONDS,
    MODEL_BYTES,
    NETWORK_SECONDS,
    PIXELS,
    SEARCHED,
    TORCH,
    UNITS,
    seconds_a_frame,
)
from plan.errors import ConfigError
from plan.pipeline import MULTIMODAL_REFERENCES, Plan
from plan.reading import ROOT, check_files, read_config
from prep.datasets.lists import DatasetError
from prep.datasets.registry import find_dataset
from vision.weights import MisfitWeights

WHOLE = 67  # frames of a clip whose length is `whole`, as DAVIS has them
NOTES = (
    f"Assumed: a clip of each video (or `per_source` of them), {WHOLE} frames where clips are whole, nothing rejected;",
    "data that are not there count for what the registry says, else for nothing. CPU hours are those of one core of",
    "the machine that plan/cost.py was measured on; on N cores, stages with many jobs take about an N-th of it.",
)


def main(*, configfile: tuple[Path, ...] = (), table1: bool = False) -> None:
    """Say what a configuration costs, by stage: jobs, items, CPU hours, bytes and files. Nothing is run or measured.

    Args:
        configfile: configurations on top of the default one, config/config.yaml, as Snakemake takes them.
        table1: only what Table 1 takes; otherwise all tables, figures and the report.
    """
    try:
        check_files(configfile)
        estimate = Estimate(Plan(read_config(configfile), ROOT), only_table1=table1)
        stages = estimate.stages()
    except ConfigError as error:
        sys.exit(f"error: {error}")
    print("\n".join([*table_of(stages), "", *NOTES]))
    if estimate.gpu_seconds > 360:
        print(f"Training alone on a GPU as an H100: about {hours(estimate.gpu_seconds)} h, estimated for all of them.")


@dataclass(frozen=True)
class StageCost:
    """What a stage comes to."""

    stage: str
    jobs: int
    items: int
    seconds: float  # of one core
    size: float  # bytes
    files: float


class Estimate:
    """The costs of a plan. Raises ConfigError where its sets cannot be counted."""

    def __init__(self, plan: Plan, only_table1: bool = False):
        self.plan, self.config, self.sets = plan, plan.config, plan.sets
        self.only_table1 = only_table1
        self.rows = plan.table1_rows if only_table1 else list(plan.rows)
        self.trainings = self.config["training"] if only_table1 else plan.trainings
        sets = list(self.config["clips"]["sets"])
        self.shown = [] if only_table1 else [split for split in sets if split in ("legacy", "long")]
        learning = [split for split in ("train", "validation") if split in sets] if self.trainings else []
        self.splits = {"clips": ["test", *learning, *self.shown], "images": ["test"]}
        self.splits["images"] += ["train", "validation"] if self.trainings else []

    def stages(self) -> list[StageCost]:
        """All stages that cost something, in the order in which they run."""
        stages = [*self._prepared(), *self._flow(), *self._searched(), *self._trained(), *self._colored()]
        return [*stages, *self._scored()]

    @property
    def gpu_seconds(self) -> float:
        """Seconds of a GPU for all trainings."""
        full = LEARNING * seconds_a_frame("ours", 1)
        return sum(self._training_seconds(own) for own in self.trainings.values()) * GPU_SAMPLE / full

    def items(self, kind: str, split: str) -> int:
        """About how many items a set has."""
        own = self.config[kind]["sets"][split]
        if own.get("rendered"):
            return own["rendered"]["count"]
        return sum(self._files(one["dataset"], one["files"]) for one in own["from"]) * (own.get("per_source") or 1)

    def frames(self, split: str) -> float:
        """About how many frames the clips of a set have."""
        own, length = self.config["clips"]["sets"][split], self.config["clips"]["length"]
        if own.get("rendered"):
            return self.items("clips", split) * length
        lengths = {"whole": WHOLE}
        counts = ((one, self._files(one["dataset"], one["files"])) for one in own["from"])
        each = sum(count * lengths.get(one.get("length"), length) for one, count in counts)
        return each * (own.get("per_source") or 1)

    def _files(self, dataset: str, files: str) -> int:
        """How many files are there; of data that are not, how many the registry says."""
        known = self.sets.registry.get(dataset)
        try:
            return len(self.sets.select_all(find_dataset(self.sets.registry, dataset), files)[0])
        except DatasetError as error:
            if known is None:
                raise ConfigError(f"config: {error}") from error
            return int(known.count or 0)

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
        count = sum(self.items(*which) for which in listed)
        yield cost("sources", len(listed), count, count)
        jobs = sum(self.sets.shards_of("clips", split) for split in filmed)
        yield cost("clips", jobs, self._count("clips", filmed), sum(map(self.frames, filmed)) * self._scale)
        jobs = sum(self.sets.shards_of("images", split) for split in images)
        photos = sum(self.items("images", split) * self._photo_scale(split) for split in images)
        yield cost("images", jobs, self._count("images", images), photos)
        count = self._count("clips", filmed) + self._count("images", images)
        yield cost("gather", len(filmed) + len(images), count, count)
        frames = sum(map(self.frames, rendered)) * self._scale
        yield cost("renderings", len(rendered), self._count("clips", rendered), frames)

    def _flow(self) -> Iterator[StageCost]:
        given = any("flow" in self.plan.given_to(row).get("clips", ()) for row in self.rows)
        splits = [*(["test"] if given else []), *(split for split in self.splits["clips"] if split != "test")]
        tables = {(self.config["flow"], split) for split in splits} | {(self.config["scoring_flow"], "test")}
        frames = {table: self.frames(table[1]) * self._scale for table in tables}
        seconds = sum(2 * FLOW_SECONDS.get(name, FLOW_SECONDS["raft"]) * own for (name, _), own in frames.items())
        jobs = sum(self.sets.shards_of("clips", split) for _, split in tables)
        count = sum(self.items("clips", split) for _, split in tables)
        yield cost("flow", jobs, count, sum(frames.values()), seconds)
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
        yield cost("gallery", jobs, count, count, count * backbone)
        predicts = self.config["references"]["within"] != "everywhere"
        network = backbone + (NETWORK_SECONDS.get(self.config["classifier"], 0) if predicts else 0)
        queries = [(kind, split) for kind, own in self.splits.items() for split in own if split != "validation"]
        counts = {which: self.items(*which) for which in queries}
        searched = sum(own * self.items("images", self.sets.gallery_of(split)) for (_, split), own in counts.items())
        written = self.config["references"]["count"] + self.config["references"]["sheets"]  # pictures of a clip
        files = sum(own * written if kind == "clips" else own for (kind, _), own in counts.items())
        searches = [self.sets.searches_of(*which) for which in queries]
        jobs = sum(own if own == 1 else own + 1 for own in searches)  # and one that gathers them
        stage = cost("references", jobs, sum(counts.values()), sum(counts.values()))
        seconds = stage.seconds + sum(counts.values()) * network + searched * SEARCHED
        size = files * UNITS["references"].size * self._scale
        yield StageCost("references", stage.jobs, stage.items, seconds, size, files)

    def _trained(self) -> Iterator[StageCost]:
        seconds = [self._training_seconds(own) for own in self.trainings.values()]
        sizes = [MODEL_BYTES * (_setting(own, "width") ** 2) for own in self.trainings.values()]
        start = UNITS["train"].start * len(seconds)
        samples = sum(map(cost_of, self.trainings.values()))
        yield StageCost("train", len(seconds), samples, start + sum(seconds), sum(sizes), 8 * len(seconds))

    def _training_seconds(self, own: dict) -> float:
        height, width = _setting(own, "crop")
        a_frame = seconds_a_frame(own["method"], _setting(own, "width"))
        return cost_of(own) * LEARNING * a_frame * height * width / PIXELS

    def _colored(self) -> Iterator[StageCost]:
        photos = self.items("images", "test") * self._photo_scale("test")
        of_kind = {"clips": self.frames("test") * self._scale, "images": photos}
        units = {row: sum(of_kind[kind] for kind in self.plan.given_to(row)) for row in self.rows}
        seconds = sum(own * self._row_seconds(row) + self._loading(row) for row, own in units.items())
        items = sum(self.items(kind, "test") for row in self.rows for kind in self.plan.given_to(row))
        yield cost("colorize", len(units), items, sum(units.values()), seconds)
        if not self.only_table1:
            yield self._shown_only()

    def _shown_only(self) -> StageCost:
        """The clips that are coloured to be shown alone."""
        ranks = min(MULTIMODAL_REFERENCES, self.config["references"]["count"]) - 1
        clips = ranks * len(self.plan.multimodal)
        frames = clips * self.frames("test") / max(self.items("clips", "test"), 1)
        shown = [(row, ranks, clips, frames) for row in self.plan.shown_rows("multimodal")]
        for split in self.shown:
            own = 1, self.items("clips", split), self.frames(split)
            shown += [(row, *own) for row in self.plan.shown_rows(split)]
        seconds = sum(
            frames * self._scale * self._row_seconds(row) + jobs * self._loading(row) for row, jobs, _, frames in shown
        )
        jobs, items, frames = (sum(one[place] for one in shown) for place in (1, 2, 3))
        return cost("colorize", jobs, items, frames * self._scale, seconds, called="colorize_shown")

    def _row_seconds(self, row: str) -> float:
        """Seconds of a row's method for a frame of PIXELS."""
        options = self.plan.rows[row]
        if {"precomputed", "command"} & set(options):
            return 0.0
        method, width = method_of(row, options), 1.0
        if training := self.plan.training_of(row):
            width = _setting(self.plan.trainings[training], "width")
        elif "checkpoint" in options:
            with suppress(MisfitWeights):  # `check` says so
                width = metadata(self.plan.root / options["checkpoint"]).get("width", 1.0)
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
        yield cost("truth", 1, clips + photos, frames, scaled * UNITS["truth"].each + photos * fid)
        of_photos = sum("images" in self.plan.given_to(row) for row in self.rows)
        seconds = of_photos * (TORCH + photos * (fid + classifier))
        units = len(self.rows) * frames + of_photos * scaled
        yield cost("score", len(self.rows), len(self.rows) * clips + of_photos * photos, units, seconds)
        yield cost("table", 1 if self.only_table1 else 4, 0, 0, called="tables")
        if not self.only_table1:
            count = 10 + len(self.shown)
            yield cost("figure", count, 0, 0, called="figures")
            yield cost("report", 1, 0, 0)

    def _count(self, kind: str, splits: Iterable[str]) -> int:
        return sum(self.items(kind, split) for split in splits)


def cost(rule: str, jobs: int, items: int, units: float, more: float = 0.0, called: str = "") -> StageCost:
    """What jobs of a rule with so many units come to; `more`: seconds of networks."""
    own = UNITS[rule]
    seconds = jobs * own.start + units * own.each + more
    left = units or jobs  # tables and figures have no units
    return StageCost(called or rule, jobs, items, seconds, left * own.size, left * own.files)


def _setting(training: dict, key: str):
    return training.get(key, TrainSettings.model_fields[key].default)


def table_of(stages: Iterable[StageCost]) -> Iterator[str]:
    """The table as lines, with a last one of sums."""
    stages = [stage for stage in stages if stage.jobs]
    sums = [sum(getattr(stage, name) for stage in stages) for name in ("jobs", "seconds", "size", "files")]
    yield f"{'stage':<15} {'jobs':>7} {'items':>11} {'CPU h':>9} {'GB':>9} {'files':>12}"
    for one in stages:
        yield _line(one.stage, one.jobs, f"{one.items:,}" if one.items else "", one.seconds, one.size, one.files)
    yield _line("all", sums[0], "", *sums[1:])


def _line(name: str, jobs: int, items: str, seconds: float, size: float, files: float) -> str:
    return f"{name:<15} {jobs:>7,} {items:>11} {hours(seconds):>9} {size / 1e9:>9,.2f} {round(files):>12,}"


def hours(seconds: float) -> str:
    """Hours, as exact as an estimate is."""
    value = seconds / 3600
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"
