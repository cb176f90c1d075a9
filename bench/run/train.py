"""Stage `train`: trains the method of one entry under `training:` in the configuration."""

import json
from pathlib import Path

import tyro

from bench.methods.contract.method import Setting
from bench.methods.contract.rows import load
from colorize.training.processes import in_processes
from media.provenance import recorded
from media.tables import folder_of


def main(
    *,
    settings: str,
    execution: str = "{}",
    clips: Path,
    flow: Path,
    clip_references: Path,
    photos: Path,
    photo_references: Path,
    validation: Path,
    validation_clips: Path | None = None,
    validation_flow: Path | None = None,
    recolored: tuple[Path, ...] = (),
    backbone: str,
    weights: Path,
    seed: int,
    out: Path,
) -> None:
    """Train and write `out`/model.safetensors, summary.json, metrics.jsonl and tensorboard/.

    Args:
        settings: JSON; `method` names the file in bench/methods whose `fit` is called, the rest goes to it.
        execution: JSON; more of it, which decides where, in how many processes, and how fast it runs.
        clips: table of the real training clips; may be empty.
        flow: table of their flow.
        clip_references: table of their references.
        photos: table of the photographs for pseudo-video.
        photo_references: table of their references.
        validation: table of the photographs on which the checkpoint is chosen.
        validation_clips: table of clips on which it is chosen instead.
        validation_flow: table of their flow.
        recolored: tables of what rows made of the training clips, for a method that learns to correct them.
        backbone: network for features and losses, a name of vision.backbones.
        weights: folder of weight files.
        seed: everything random follows from it.
        out: folder of the training.
    """
    from colorize.training.pairs import PreparedSet, Recolored, TrainingData

    options = json.loads(settings) | json.loads(execution)
    options.pop("recolored", None)  # the rows whose results are in `recolored`
    method = load(options.pop("method"), {}, Setting(weights, backbone, None, seed))
    data = TrainingData(
        PreparedSet(clips, clip_references, flow),
        PreparedSet(photos, photo_references),
        PreparedSet(validation),
        validation_clips and PreparedSet(validation_clips, flow=validation_flow),
        tuple(Recolored(clips, clip_references, flow, folder_of(table) / "clips") for table in recolored),
    )
    method.fit(data, options, out)


if __name__ == "__main__":
    tyro.cli(in_processes(recorded(main, "out"), "bench.run.train"))
