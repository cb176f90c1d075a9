"""The command `cost`: what a configuration comes to before it runs, by stage, and how long a machine will take."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from plan.cost import GPU_PAIR, PIXELS, THREAD_GAIN
from plan.errors import ConfigError
from plan.estimate import WHOLE, Estimate, StageCost, summed
from plan.measured import known_costs, saved
from plan.memory import Memory
from plan.pipeline import Plan
from plan.progress import plural
from plan.reading import ROOT, check_files, read_config

NOTES = (
    f"Assumed: a clip of each video (or `per_source` of them), {WHOLE} frames where clips are whole, nothing rejected;",
    "data that are not there count for what the registry says, else for nothing. CPU h: of one core, which runs the",
    "networks, too; GPU h + CPU h: where a GPU runs them. Memory: of the largest job, without what a GPU holds.",
)
GPU_NOTE = (
    "GPU hours are those of an H100: measured for the training of `ours`, estimated for everything else.",
    "Without a GPU of its own a stage runs on the CPU: `device: cuda` or `auto` puts networks outside training on it.",
)


def main(
    *,
    configfile: tuple[Path, ...] = (),
    table1: bool = False,
    calibrate: bool = False,
    cores: int | None = None,
    gpus: int = 0,
) -> None:
    """Say what a configuration costs, by stage: jobs, items, CPU and GPU hours, memory, bytes and files.

    Nothing of it is run. What this machine was measured to cost is kept in logs/costs.json, also for a run's progress.

    Args:
        configfile: configurations on top of the default one, config/config.yaml, as Snakemake takes them.
        table1: only what Table 1 takes; otherwise all tables, figures and the report.
        calibrate: measure this machine first: a few generated items through the stages that the configuration uses.
        cores: say how long a machine with so many cores takes; otherwise one with as many as this has.
        gpus: and so many GPUs like an H100.
    """
    cores = len(os.sched_getaffinity(0)) if cores is None else cores
    if cores < 1 or gpus < 0:
        sys.exit(f"error: --cores {cores} --gpus {gpus}: expected 1 core or more, and 0 GPUs or more")
    try:
        check_files(configfile)
        plan = Plan(read_config(configfile), ROOT)
        if calibrate:
            from plan.calibration import calibrated  # which needs Snakemake

            saved(calibrated(plan, configfile, lambda text: print(text, flush=True)))
        estimate = Estimate(plan, table1, known_costs())
        parts = estimate.parts()
        lines = [*table_of(summed(parts), peaks(plan, estimate, gpus > 0)), "", *NOTES]
        lines += gpu_notes(parts, plan)
    except ConfigError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    lines += [f"Counted with {estimate.measured}.", "", _time(parts, cores, gpus)]
    print("\n".join(lines))


def peaks(plan: Plan, estimate: Estimate, on_gpus: bool = False) -> dict[str, float]:
    """Bytes of the largest job of each stage, in the memory of the machine; `on_gpus`: networks are not in it."""
    memory = Memory(plan, estimate)
    splits = [{"kind": kind, "split": split} for kind, own in estimate.splits.items() for split in own]
    rows = [{"row": row} for row in estimate.rows]
    clips = [{"split": split, "filmed": split, "rendered": split} for split in estimate.splits["clips"]]
    flows = [{"estimator": plan.config[key], "split": "test"} for key in ("flow", "scoring_flow")]
    jobs = {
        "sources": splits, "clips": clips, "images": splits, "gather": splits, "renderings": clips, "flow": flows,
        "gather_flow": clips, "gallery": [{"gallery": plan.sets.gallery_of("test")}], "references": splits,
        "train": [{"training": training} for training in estimate.trainings], "colorize": rows, "truth": [{}],
        "recolor": [{"row": row} for own in estimate.trainings.values() for row in own.get("recolored", ())],
        "colorize_shown": [{"row": row} for key in ("multimodal", "legacy", "long") for row in plan.shown_rows(key)],
        "score": rows, "report": [{}],
    }  # fmt: skip
    most = {rule: max((memory.of(rule, own, on_gpus) for own in of), default=0) * 1e6 for rule, of in jobs.items()}
    tables, figures = ("table1", "table5", "propagation"), ("figure4", "side_by_side")
    return most | {
        "tables": max(memory.of(rule, {}) for rule in tables) * 1e6,
        "figures": max(memory.of(rule, {}) for rule in figures) * 1e6,
    }


def gpu_notes(parts: Iterable[StageCost], plan: Plan) -> Iterator[str]:
    """What there is to say about GPUs, where they have more than a few minutes' work."""
    if sum(part.gpu for part in parts) < 360:
        return
    yield from GPU_NOTE
    held = [gpu_memory(own) for own in plan.trainings.values() if own["method"] == "ours"]
    if max(held, default=0) > 16e9:
        yield f"A training of `ours` holds up to {max(held) / 1e9:.0f} GB of a GPU, less with a smaller `micro_batch`."


def gpu_memory(own: dict) -> float:
    """Bytes that a training holds on each of its GPUs, about; without what is there before the first pair."""
    height, width = own.get("crop", (216, 384))
    share = own.get("batch", 40) / (own.get("processes", 1) * own.get("nodes", 1))
    return min(share, own.get("micro_batch") or share) * GPU_PAIR * own.get("width", 1) * height * width / PIXELS


def wall(parts: Iterable[StageCost], cores: int, gpus: int = 0) -> float:
    """Seconds that a machine takes, its stages one after the other: the work shared by cores and GPUs, or the longest
    job of a stage if that is more. Jobs of a part are taken to be alike."""
    by_stage: dict[str, list[StageCost]] = {}
    for part in parts:
        by_stage.setdefault(part.stage, []).append(part)
    return sum(_of_stage(own, cores, gpus) for own in by_stage.values())


def _of_stage(parts: list[StageCost], cores: int, gpus: int) -> float:
    longest = cpu = gpu = wide = taken = 0.0
    for part in parts:
        width = min(part.width, cores)
        faster = 1 + (width - 1) * THREAD_GAIN
        on_gpu = min(part.processes, gpus) if part.gpu else 0
        if not on_gpu:
            longest = max(longest, part.seconds / faster / part.jobs)
            cpu += part.seconds / faster * width  # cores are taken though they gain less
            wide += part.jobs * width
            continue
        left, loaders = part.seconds - part.network, min(part.loaders, cores)
        own = max(left / loaders, part.gpu / on_gpu) if loaders else left + part.gpu / on_gpu
        longest = max(longest, own / part.jobs)
        cpu, gpu = cpu + left, gpu + part.gpu
        wide, taken = wide + part.jobs * max(loaders, 1), taken + part.jobs * on_gpu
    return max(longest, cpu / min(cores, wide), gpu / min(gpus, taken) if gpu else 0)


def _time(parts: list[StageCost], cores: int, gpus: int) -> str:
    """The sentence about a machine."""
    machine = plural(cores, "core") + (f" and {plural(gpus, 'GPU')}" if gpus else "")
    return f"On {machine}: about {hours(wall(parts, cores, gpus))} hours, stages one after the other."


def table_of(stages: Iterable[StageCost], memory: dict[str, float]) -> Iterator[str]:
    """The table as lines, with a last one of sums; `memory`: bytes of the largest job by stage."""
    stages = [stage for stage in stages if stage.jobs]
    yield (
        f"{'stage':<15} {'jobs':>7} {'items':>11} {'CPU h':>9} {'GPU h':>8} {'+ CPU h':>8} {'memory GB':>10} "
        f"{'disk GB':>9} {'files':>12}"
    )
    for one in stages:
        yield _line(one, f"{one.items:,}" if one.items else "", memory.get(one.stage, 0))
    every = summed(StageCost("all", *_rest(one)) for one in stages)
    for one in every:
        yield _line(one, "", max((memory.get(stage.stage, 0) for stage in stages), default=0))


def _rest(one: StageCost) -> tuple:
    return one.jobs, one.items, one.seconds, one.size, one.files, one.start, one.network, one.gpu


def _line(one: StageCost, items: str, memory: float) -> str:
    on_gpu = (hours(one.gpu), hours(one.seconds - one.network)) if one.gpu else ("", "")
    return (
        f"{one.stage:<15} {one.jobs:>7,} {items:>11} {hours(one.seconds):>9} {on_gpu[0]:>8} {on_gpu[1]:>8} "
        f"{memory / 1e9:>10.1f} {one.size / 1e9:>9,.2f} {round(one.files):>12,}"
    )


def hours(seconds: float) -> str:
    """Hours, as exact as an estimate is."""
    value = seconds / 3600
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"
