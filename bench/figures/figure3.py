"""Stage: pairs that the training makes of photographs: a frame, the same moved, and what of it was seen (Figure 3)."""

import json
from pathlib import Path

import numpy as np
import tyro
from torch import Tensor

from bench.figures.strips import Caption, Shown, Strip, evenly, write_gallery
from colorize.settings import TrainSettings
from colorize.training.pairs import PhotoPairs, PreparedSet
from media.color import rgb_from_lab
from media.document import Note
from media.provenance import recorded

TITLE = "Figure 3 of the paper: augmented training images"
LEAD = (
    "Each strip is one training photograph as pseudo-video: the frame that is cut out of it, the next frame as the "
    "networks see it, moved by a random smooth distortion and with noise on its luminance, and the mask."
)
FIRST, SECOND, MASK = "first_frame", "second_frame", "mask"
NOTES = (
    Note(
        kind="mask",
        text="The mask is white where a point of the second frame is inside the first one, and black where it has come "
        "in over the border and has no counterpart there.",
    ),
    Note(
        kind="numbers",
        text="Under the pictures, and in shown.csv: the mean length of the motion between the two frames in pixels, "
        "and the share of the second frame that is visible in the first.",
    ),
    Note(
        kind="the paper's",
        text="The paper shows images of its own choice, and does not say how strong its distortion and its noise are: "
        "docs/paper-vs-release.md.",
    ),
)


def main(*, photos: Path, settings: str, training: str, seed: int, count: int, folder: Path) -> None:
    """Write the folder of strips.

    Args:
        photos: table of the training photographs.
        settings: those of the training whose pairs are shown, JSON.
        training: its name.
        seed: everything random follows from it.
        count: how many photographs are shown.
        folder: the folder to write.
    """
    known = {key: value for key, value in json.loads(settings).items() if key in TrainSettings.model_fields}
    chosen = TrainSettings.model_validate(known)
    pairs = PhotoPairs(PreparedSet(photos), chosen.model_copy(update={"crop": chosen.frame}))
    names = [row["clip"] for row in pairs.items.rows]
    shown = evenly(names, count)
    notes = [*notes_of(chosen, training), note_on_shown(shown, len(names)), *NOTES]
    strips = (strip(pairs, names.index(name), seed) for name in shown)
    write_gallery(folder, strips, Caption(TITLE, LEAD, notes))


def strip(pairs: PhotoPairs, index: int, seed: int) -> Strip:
    """The pair that is made of a photograph with a generator seeded (seed, index)."""
    rng = np.random.default_rng((seed, index))
    sample = pairs.sample(index, rng)
    first, second = (_pixels(frame) for frame in sample["frames"])
    second[..., 0] += rng.normal(0, 1, second.shape[:2]) * pairs.settings.luminance_noise
    second[..., 0] = np.clip(second[..., 0], 0, 100)
    visible = _pixels(sample["visible_back"][0])  # (H, W, 1)
    moved, seen = float(sample["flow_back"][0].norm(dim=0).mean()), float(visible.mean())
    mask = np.repeat((255 * visible).astype(np.uint8), 3, axis=2)
    panels = [
        Shown(FIRST, 0, rgb_from_lab(first)),
        Shown(SECOND, 1, rgb_from_lab(second), numbers={"motion": moved}, lines=(f"motion {moved:.1f} px",)),
        Shown(MASK, 1, mask, numbers={"visible": seen}, lines=(f"visible {100 * seen:.0f} %",)),
    ]
    return Strip(sample["item"], [panels], headings=["first frame", "second frame", "mask"])


def _pixels(maps: Tensor) -> np.ndarray:
    """(C, H, W) to an array (H, W, C)."""
    return maps.permute(1, 2, 0).contiguous().numpy().copy()


def notes_of(settings: TrainSettings, training: str) -> list[Note]:
    """How strong the training makes what is seen, and whether it learns from photographs."""
    said = (
        f"As the training `{training}` makes its pairs: distortion of a strength up to {settings.distortion:g} (about "
        f"3.3 px each), the second frame's brightness changed with a spread of {settings.luminance_shift:g} L units, "
        f"and noise with a spread of {settings.luminance_noise:g} on each pixel's L."
    )
    notes = [Note(kind="training", text=said)]
    if not settings.photo_share:
        notes.append(Note(kind="not used", text=f"The training `{training}` takes no photographs (`photo_share: 0`)."))
    return notes


def note_on_shown(shown: list[str], of: int) -> Note:
    """How the photographs were chosen."""
    said = (
        f"Shown: {len(shown)} of {of} training photographs, evenly over their names in alphabetical order; none was "
        "chosen by eye. What is random is drawn anew each time that the training sees one."
    )
    return Note(kind="shown", text=said)


if __name__ == "__main__":
    tyro.cli(recorded(main, "folder"))
