"""Stage: colours that a frame finds in its reference by raw and by learned features, before any network (Figure 4)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
import tyro
from torch import Tensor

from bench.figures.strips import Caption, Shown, ShownItems, Strip, evenly, note_on_choice, with_numbers, write_gallery
from bench.metrics.psnr import psnr
from bench.stand_ins import network_name, notes_on_trial
from colorize import checkpoint
from colorize.model import ExemplarModel
from media.color import lab_from_rgb, with_luminance
from media.document import Note
from media.provenance import recorded
from vision.backbones import Backbone, grey_rgb, load_backbone
from vision.matching import matching_features

STRIDE = 4  # of the matching grid (section 3.2)
MULTIPLE = 8  # sides of pictures that the backbones' levels divide evenly
ROWS_AT_ONCE = 1024  # of the correlation matrix
NEAREST = "nearest_neighbours"  # what shown.csv calls matching without learning
TITLE = "Figure 4 of the paper: correspondence learning"
LEAD = (
    "Each strip is one test image. First line: the input, and the colours that its positions find at their nearest "
    "neighbours in the reference, by raw features. Second line: the reference, and the same by the features of each "
    "trained model, before its colorization subnet."
)
NOTES = (
    Note(
        kind="grid",
        text="Every position takes the colour of one position, on a grid of a quarter of the resolution: the "
        "temperature of Eq. 4 goes to 0, so that both lines differ in their features alone.",
    ),
    Note(
        kind="numbers",
        text="Under the pictures, and in shown.csv: PSNR in dB over RGB against the truth, and the mean distance in "
        "pixels from a position to where it ends after matching to the reference and back (round trip).",
    ),
)
NOTES_AT_THE_END = (
    Note(kind="training", text="What the rows are, and how long they were trained, stands in table1.md."),
    Note(
        kind="the paper's",
        text="The paper shows images of its own choice, and does not say which layers its nearest neighbours are "
        "sought in.",
    ),
)
MATCHING = {
    "subnet": "by the paper's correspondence subnet",
    "context": "by context, an extension: raw features and what surrounds them, seen in grey on both sides",
}


class Matching(NamedTuple):
    """What is compared, on the matching grid."""

    query: Tensor  # (C, h, w) unit features of the frame
    key: Tensor  # (C, M) unit features of the reference
    ab: Tensor  # (2, M) its colours, Lab units


def main(
    *,
    rows: list[str],
    checkpoints: list[Path],
    images: Path,
    image_references: Path,
    backbone: str,
    weights: Path,
    count: int,
    folder: Path,
    choices: Path | None = None,
) -> None:
    """Write the folder of strips.

    Args:
        rows: the rows whose model is shown.
        checkpoints: the model of each.
        images: table of the test images.
        image_references: their references.
        backbone: network whose raw features are matched.
        weights: folder of weight files.
        count: how many images are shown.
        folder: the folder to write.
        choices: what the run has chosen where the paper's choice may be another; None: not known.
    """
    items = ShownItems("images", images, image_references)
    shown = evenly(items.n_frames, count)
    raw = load_backbone(backbone, weights)
    models = {row: checkpoint.load(path, weights) for row, path in zip(rows, checkpoints, strict=True)}
    notes = [
        *notes_on_trial(choices),
        *(
            Note(kind="rows", text=f"{row} matches {MATCHING[model.matching]}.", rows=(row,))
            for row, model in models.items()
        ),
        Note(
            kind="choices",
            text=f"Raw features: {network_name(backbone)}; the four levels are centred, normalised and joined.",
        ),
        *NOTES,
        note_on_choice(items, shown),
        *NOTES_AT_THE_END,
    ]
    write_gallery(folder, (strip(items, item, raw, models) for item in shown), Caption(TITLE, LEAD, notes))


def strip(items: ShownItems, item: str, raw: Backbone, models: dict[str, ExemplarModel]) -> Strip:
    """Input and reference at the left of what raw and learned features find."""
    given = [items.input(item).named(), items.reference(item).named()]
    reference = items.given_reference(item)
    if reference is None:
        return Strip(item, [given])
    truth = items.truth(item).picture
    frame, lab = tensor_of(truth), tensor_of(reference)
    nearest = colored(NEAREST, raw_matching(raw, frame, lab), truth)
    learned = [colored(row, learned_matching(model, frame, lab), truth) for row, model in models.items()]
    return Strip(item, [[given[0], nearest], [given[1], *learned]])


def colored(row: str, matching: Matching, truth: np.ndarray) -> Shown:
    """The truth's luminance in the colours that were found."""
    lab = lab_from_rgb(truth)
    rgb = with_luminance(lab[..., 0], matched_colors(matching, truth.shape[:2]))
    return with_numbers(Shown(row, 0, rgb).named(), {"psnr": psnr(rgb, truth), "round_trip": round_trip(matching)})


def tensor_of(rgb: np.ndarray) -> Tensor:
    """A picture as Lab (1, 3, H, W), the last row and column repeated until both sides are multiples of 8."""
    lab = torch.from_numpy(lab_from_rgb(rgb)).permute(2, 0, 1)[None]
    rows, columns = (-side % MULTIPLE for side in lab.shape[-2:])
    return F.pad(lab, (0, columns, 0, rows), mode="replicate")


@torch.inference_mode()
def raw_matching(backbone: Backbone, frame: Tensor, reference: Tensor) -> Matching:
    """Of two pictures (1, 3, H, W), Lab: the features of both in grey."""
    query, key = (
        matching_features(backbone.levels(grey_rgb(lab[:, :1])), tuple(side // STRIDE for side in lab.shape[-2:]))
        for lab in (frame, reference)
    )
    return Matching(query[0], key[0].flatten(1), F.avg_pool2d(reference[:, 1:], STRIDE)[0].flatten(1))


@torch.inference_mode()
def learned_matching(model: ExemplarModel, frame: Tensor, reference: Tensor) -> Matching:
    """Of two pictures (1, 3, H, W), Lab: what the model's first network makes of them."""
    encoded = model.encode_reference(reference)
    return Matching(model.features(frame[:, :1])[0], encoded.columns[0], encoded.lab[0, 1:])


def matched_colors(matching: Matching, size: tuple[int, int]) -> np.ndarray:
    """ab (*size, 2), Lab units, of the nearest position in the reference; one colour a cell of the grid."""
    grid = matching.query.shape[1:]
    ab = matching.ab[:, best_match(matching.query.flatten(1), matching.key)].unflatten(1, grid)
    full = ab.repeat_interleave(STRIDE, dim=1).repeat_interleave(STRIDE, dim=2)
    return full[:, : size[0], : size[1]].permute(1, 2, 0).contiguous().numpy()


def round_trip(matching: Matching) -> float:
    """Mean distance, in pixels of the frame, from a position to where it ends after matching there and back."""
    query = matching.query.flatten(1)
    ends = best_match(matching.key, query)[best_match(query, matching.key)]
    width = matching.query.shape[2]
    begins = torch.arange(query.shape[1])
    apart = torch.stack([ends // width - begins // width, ends % width - begins % width]).double()
    return STRIDE * float(apart.norm(dim=0).mean())


def best_match(query: Tensor, key: Tensor) -> Tensor:
    """Of each column of (C, N) the index of the column of (C, M) with the highest cosine, (N,)."""
    return torch.cat([(part @ key).argmax(dim=1) for part in query.T.split(ROWS_AT_ONCE)])


if __name__ == "__main__":
    tyro.cli(recorded(main, "folder"))
