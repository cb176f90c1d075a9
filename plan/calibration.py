"""Measuring this machine: the pipeline itself runs on a few generated items, as the configuration has it.

What takes too long for that, or lacks its files, is taken to be as much faster or slower as what was measured.
"""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from copy import deepcopy
from datetime import date
from pathlib import Path

import yaml

from bench.methods.contract.rows import method_of, refused_by
from colorize.settings import TrainSettings
from plan.errors import ConfigError
from plan.estimate import Estimate, StageCost, seconds_a_sample
from plan.measured import LEAST, MOST, MachineCosts
from plan.metering import MeteredJob, metered
from plan.needs import Needs
from plan.pipeline import Plan
from plan.progress import plural
from plan.reading import DEFAULT, ROOT, read_config, read_file

CLIPS, PHOTOS, FRAMES = 2, 3, 10
LONGEST = 25  # CPU seconds that a row or a training may be expected to take, to be measured
LEARNING_FOR = 10  # and that a training is meant to learn for
STARTS = ("sources", "gather", "gather_flow")  # jobs that do little else than begin
CHOICES = ("flow", "scoring_flow", "backbone", "classifier", "fid_features")


def calibrated(plan: Plan, configfile: Iterable[Path], say: Callable[[str], None]) -> MachineCosts:
    """Run the stages of a configuration on generated items, one job at a time. Raises ConfigError where none ran.

    say: is told what is measured.
    """
    with tempfile.TemporaryDirectory(prefix="huebench-costs-") as folder:
        overlay, small, rows, trainings = prepare(plan, configfile, Path(folder))
        targets = [f"results/score/{rows[0]}.parquet", *(f"results/colorize/{row}.parquet" for row in rows)]
        targets += [f"results/train/{name}/model.safetensors" for name in trainings]
        say(f"Measuring this machine on {CLIPS} generated clips and {PHOTOS} photographs a set; a few minutes:")
        jobs = metered(["--configfile", str(overlay), "--quiet", "all", "--", *targets], Path(folder))
    estimate = Estimate(small, only_table1=True)
    estimate.rows, estimate.trainings = rows, {name: small.trainings[name] for name in trainings}
    return compared(jobs, estimate.parts(), small)


def prepare(plan: Plan, configfile: Iterable[Path], folder: Path) -> tuple[Path, Plan, list[str], list[str]]:
    """Generated media and a configuration of them in a folder: its path, its plan, and the rows and trainings that are
    measured, the first row being the one that is scored."""
    config = small_config(plan, read_config(configfile), folder)
    splits = {"test", "train", "validation", *plan.config["references"]["gallery"].values()}
    command = [sys.executable, "-m", "prep.made_media", "--folder", str(folder), "--names", *sorted(splits)]
    numbers = ["--clips", str(CLIPS), "--photos", str(PHOTOS), "--frames", str(config["clips"]["length"])]
    if subprocess.run([*command, *numbers], cwd=ROOT).returncode:
        raise ConfigError(
            f"the media to measure this machine with could not be made in {folder}; what is above says why"
        )
    overlay = folder / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(config))
    small = Plan(read_config([overlay]), ROOT)
    trainings = measurable_trainings(small)
    return overlay, small, measurable_rows(small, trainings), trainings


def small_config(plan: Plan, config: dict, folder: Path) -> dict:
    """A configuration with little of everything, made of generated media, with all else as it is.

    A network or flow whose files are not there gives way to the default's.
    """
    config = deepcopy(config)
    registry = folder / "datasets.tsv"
    lines = [f"made-{kind}\t{kind}\t{folder / kind}\t1\tgenerated\t" for kind in ("videos", "photographs")]
    lines[1] = lines[1].replace("\tphotographs\t", "\timages\t")
    registry.write_text("\n".join(["name\tkind\troot\tversion\tlicence\tlabel_pattern", *lines, ""]))
    config["datasets"], config["clips_of"] = str(registry), {"table1": [], "figure7": []}
    for kind, dataset in (("clips", "made-videos"), ("images", "made-photographs")):
        for split, own in config[kind]["sets"].items():
            if own is not None:
                config[kind]["sets"][split] = small_set(own, dataset, split)
    # Seconds of a core are measured, in processes of this run.
    config |= {"trial": None, "device": "cpu", "dask_scheduler": "threads"}
    sequences = [_of(own, "sequence") for own in plan.config["training"].values()]
    config["clips"]["length"] = max([FRAMES, *sequences])
    config["training"] = {name: own and small_training(own) for name, own in config["training"].items()}
    needs = Needs(plan)
    lacking = [key for key in CHOICES if any(need.fault for need in needs.of_choice(key))]
    return config | {key: read_file(DEFAULT)[key] for key in lacking}


def small_set(own: dict, dataset: str, split: str) -> dict:
    """A set of generated items that the filters leave alone."""
    open_wide = {"min_mean_l": 0, "min_mean_chroma": 0, "min_chroma_spread": 0, "min_side": 1, "duplicates": "off"}
    if own.get("rendered"):
        return own | {"rendered": own["rendered"] | {"count": CLIPS}}
    source = {"dataset": dataset, "files": f"{split}_*"} | ({"stride": 1} if dataset == "made-videos" else {})
    kept = {
        key: value for key, value in own.items() if key in ("size", "rendered")
    }  # `rendered: null` undoes a default
    return kept | {"from": [source], "filter": open_wide}


def small_training(own: dict) -> dict:
    """A training of so few samples that they take a few seconds, one at a time, on one core."""
    estimated = seconds_a_sample(own)
    each = TrainSettings.model_construct(**own).steps_a_batch
    batches = max(1, min(round(LEARNING_FOR / (estimated * each)), _of(own, "steps") // each))
    steps = batches * each
    few = {"steps": steps, "batch": 1, "validate_every": steps, "validation_pairs": 1}
    if "adversarial_from" not in refused_by(own["method"]):
        few["adversarial_from"] = 0
    alone = {key: 1 for key in ("processes", "nodes") if key in own}
    return own | few | alone | {"threads": 1, "workers": 0, "accelerator": "cpu"}


def measurable_trainings(plan: Plan) -> list[str]:
    """A training for each method, the longest that does not take too long, where it needs no other."""
    chosen: dict[str, tuple[float, str]] = {}
    for name, own in plan.config["training"].items():
        seconds = seconds_a_sample(own) * own["steps"] * own["batch"]
        if seconds <= LONGEST and not own.get("recolored"):
            chosen[own["method"]] = max(chosen.get(own["method"], (seconds, name)), (seconds, name))
    return [name for _, name in chosen.values()]


def measurable_rows(plan: Plan, trainings: list[str]) -> list[str]:
    """A row for each method, the widest that does not take too long and has all that it needs. The first is the
    quickest that colours clips and photographs, for the scoring. Raises ConfigError where there is none."""
    needs, estimate = Needs(plan), Estimate(plan)
    chosen: dict[str, tuple[float, str]] = {}
    for row, options in plan.rows.items():
        seconds, method = estimate.row(row).seconds, method_of(row, options)
        waits = plan.training_of(row) not in (None, *trainings)
        other = {"command", "precomputed"} & set(options) or "processed" in plan.given_to(row).get("clips", ())
        if not (other or waits or seconds > LONGEST or needs.why_not(row) or any(n.fault for n in needs.of_row(row))):
            chosen[method] = max(chosen.get(method, (seconds, row)), (seconds, row))
    rows = [row for _, row in sorted(chosen.values())]
    scored = [row for row in rows if len(plan.given_to(row)) == 2]
    if not scored:
        raise ConfigError(
            "no row that colours both clips and photographs can be measured; add `grey: {}` to `methods`."
        )
    return [scored[0], *(row for row in rows if row != scored[0])]


def compared(jobs: list[MeteredJob], parts: list[StageCost], plan: Plan) -> MachineCosts:
    """How many times as long as the shipped costs say the jobs took. Raises ConfigError where too few of them ran."""
    took: dict[str, list[float]] = {}
    for job in jobs:
        took.setdefault(key_of_job(job, plan), []).append(job.seconds)
    expected = {key: _mean([part for part in parts if part.key == key]) for key in took}
    known = {key: value for key, value in expected.items() if value}
    starts = [key for key in STARTS if key in known]
    if not starts or len(known) < 5:
        raise ConfigError("too few of the jobs that measure this machine ended well; run the pipeline once to see why")
    total = sum(len(took[key]) * sum(known[key]) for key in starts)
    start = _bounded(sum(sum(took[key]) for key in starts) / total)
    factors = {}
    for key, (begin, rest) in known.items():
        mean = sum(took[key]) / len(took[key])
        if key not in starts and rest > begin:
            factors[key] = _bounded((mean - start * begin) / rest)
        elif key not in starts and rest > 0.2 * begin:  # the rest is a small difference of large numbers
            factors[key] = _bounded(mean / (begin + rest))
    machine = f"{platform.machine()}, {plural(len(os.sched_getaffinity(0)), 'core')}"
    return MachineCosts(date.today().isoformat(), machine, round(start, 3), factors)


def key_of_job(job: MeteredJob, plan: Plan) -> str:
    """What the cost of a job is known by (StageCost.key)."""
    match job.rule:
        case "flow":
            return f"flow:{job.of[0]}"
        case "train":
            return f"train:{plan.trainings[job.of[0]]['method']}"
        case "colorize":
            return f"colorize:{method_of(job.of[0], plan.rows[job.of[0]])}"
    return job.rule


def _mean(parts: list[StageCost]) -> tuple[float, float] | None:
    """Seconds of a job of parts until it has begun, and the others; None where there is no such part."""
    jobs = sum(part.jobs for part in parts)
    start, seconds = sum(part.start for part in parts), sum(part.seconds for part in parts)
    return (start / jobs, (seconds - start) / jobs) if jobs else None


def _bounded(factor: float) -> float:
    return round(min(max(factor, LEAST), MOST), 3)


def _of(training: dict, key: str):
    return training.get(key, TrainSettings.model_fields[key].default)
