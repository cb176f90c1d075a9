"""Stage: the report, a folder with index.html that opens from disk without a server and without a network."""

from pathlib import Path

import pandas as pd
import tyro
from tqdm import tqdm

from bench.report import page
from bench.report.items import Sources, orders, write_clip, write_image
from bench.report.origins import Origins
from bench.report.sections import figure7_section, gallery_section, stand_ins, table_section, training_section
from media.provenance import recorded
from media.tables import SCORES, read_table
from media.whole import whole_folder

VERSION = 1


def main(
    *,
    out: Path,
    results: Path,
    colorized: list[Path],
    scores: list[Path],
    clips: Path,
    images: Path,
    clip_references: Path,
    image_references: Path,
    csv: list[Path],
    markdown: list[Path],
    figure7_csv: Path,
    figure7_markdown: Path,
    curves: list[Path],
    figures: list[Path],
    baseline: str,
    backbone: str,
    classifier: str,
    fid_features: str,
    flow: str,
    scoring_flow: str,
) -> None:
    """Write the report.

    Args:
        out: the folder to write.
        results: the folder in which everything was made; names of records count from there.
        colorized: the tables of results of all rows, named after them, in the order of the rows.
        scores: their tables of scores.
        clips: table of the test clips, the ground truth.
        images: table of the test images.
        clip_references: table of the clips' references.
        image_references: table of the images' references.
        csv: the tables to show, for programs.
        markdown: the same for reading, in the same order.
        figure7_csv: the curves of Figure 7.
        figure7_markdown: the notes on them.
        curves: <training>/metrics.jsonl of every training.
        figures: folders of pictures with caption.md and shown.csv; may be none.
        baseline: the row whose worst and best items are shown first.
        backbone: network on whose features rows match and learn.
        classifier: network of Top-1 and Top-5.
        fid_features: network of the Frechet distance.
        flow: estimator that rows were given.
        scoring_flow: estimator with which flicker was measured.
    """
    origins = Origins([*csv, figure7_csv, *curves, *figures, *scores], results)
    made = origins.of
    by_row = {path.stem: path for path in colorized}
    with whole_folder(out) as folder:
        tables = [table_section(*pair, made, folder) for pair in zip(csv, markdown, strict=True)]
        charts = [figure7_section(figure7_csv, figure7_markdown, made, folder)]
        charts += [training_section(path, made) for path in curves]
        shown = {
            "stand_ins": stand_ins(backbone, classifier, fid_features, flow, scoring_flow),
            "tables": tables,
            "charts": charts,
            "figures": [gallery_section(path, made, folder) for path in figures],
            "origins": origins,
            "origin_of_row": {path.stem: made(path) for path in scores},
            "rows": list(by_row),
        }
        data = {
            "baseline": baseline,
            "rows": list(by_row),
            "charts": [section.chart for section in charts],
            "clips": shown_items(Sources("clips", clips, clip_references, by_row), scores, folder, write_clip),
            "images": shown_items(Sources("images", images, image_references, by_row), scores, folder, write_image),
        }
        origins.write(folder)
        page.write(folder, shown | {"clips": data["clips"], "images": data["images"]}, data)


def shown_items(sources: Sources, scores: list[Path], folder: Path, write_item) -> dict:
    """Write the pictures of all items of a kind; returns them and by what they can be ordered, for the page."""
    items = tqdm(sources.read(), desc=f"report: {sources.kind}", mininterval=5)
    written = [write_item(item, folder / sources.kind) for item in items]
    table = pd.concat([read_table(path, SCORES) for path in scores])
    return {"items": written, "orders": orders(table, sources.kind)}


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "out"))
