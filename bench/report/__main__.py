"""Stage: the report, a folder with index.html that opens from disk without a server and without a network."""

from pathlib import Path

import tyro

from bench.report import page
from bench.report.origins import Origins
from bench.report.sections import sections_of
from bench.report.tiles import FLICKER, ORDERS, ItemFolders, orders, write_clip, write_image
from bench.scoring.read_scores import scores_of
from bench.stand_ins import read_choices, stand_ins
from media.bar import Bar
from media.provenance import recorded
from media.whole import whole_folder


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
    tables: list[Path],
    figure7: Path,
    curves: list[Path],
    figures: list[Path],
    baseline: str,
    choices: Path,
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
        tables: the tables to show, as documents (media/document.py).
        figure7: the curves of Figure 7, as a document.
        curves: <training>/metrics.jsonl of every training.
        figures: folders of pictures with figure.json; may be none.
        baseline: the row whose worst and best items are shown first.
        choices: what the run has chosen where the paper's choice may be another.
    """
    origins = Origins([*tables, figure7, *curves, *figures, *scores], results)
    by_row = {path.stem: path for path in colorized}
    with whole_folder(out) as folder:
        sections = sections_of(tables, figure7, curves, figures, origins.of, folder)
        items = {
            "clips": shown_items(ItemFolders("clips", clips, clip_references, by_row), scores, folder, write_clip),
            "images": shown_items(ItemFolders("images", images, image_references, by_row), scores, folder, write_image),
        }
        shown = {"stand_ins": stand_ins(read_choices(choices)), "origins": origins, "rows": list(by_row)}
        links = origins.links({path.stem: path for path in scores})
        charts = [section.chart for section in sections["charts"]]
        data = {"baseline": baseline, "rows": list(by_row), "charts": charts}
        origins.write(folder)
        page.write(folder, sections | shown | {"links": links} | items, data | items)


def shown_items(sources: ItemFolders, scores: list[Path], folder: Path, write_item) -> dict:
    """Write the pictures of all items of a kind; returns them and by what they can be ordered, for the page."""
    items = Bar(sources.read(), desc=f"report: {sources.kind}")
    written = [write_item(item, folder / sources.kind) for item in items]
    table = scores_of(scores, [sources.kind], [*ORDERS[sources.kind], FLICKER])
    return {"items": written, "orders": orders(table, sources.kind)}


if __name__ == "__main__":
    tyro.cli(recorded(main, "out"))
