"""Stage: photographs -> clips of one frame, cover-cropped to a size, judged, in one table."""

from pathlib import Path

import tyro
from pydantic import TypeAdapter

from media.image import CorruptImage, cover_crop, read_rgb
from media.tables import folder_of
from prep.datasets import Selection, Source, read_registry, select_sources, unique_names
from prep.items import fresh_folder, item_row, judged, rejected, run_jobs, write_items
from prep.quality import Filters, Verdict, judge_size

VERSION = 1


def prepare_image(source: Source, name: str, size: tuple[int, int], filters: Filters, frames_dir: Path) -> dict:
    """The row of one photograph; if it is kept, its one frame is written."""
    try:
        rgb = read_rgb(source.path)
    except CorruptImage as error:
        return rejected(item_row(name, source), Verdict("corrupt_image", str(error)))
    row = item_row(name, source, *rgb.shape[:2]) | {"shot": 0, "first_frame": 0, "stride": 1}
    verdict = judge_size(*rgb.shape[:2], filters)
    if verdict:
        return rejected(row, verdict)
    return judged(row, [cover_crop(rgb, size)], filters, frames_dir)


def main(
    *,
    datasets: Path,
    selections: str,
    size: tuple[int, int],
    filters: str,
    table: Path,
    workers: int = 1,
) -> None:
    """Prepare the photographs of one split.

    Args:
        datasets: the registry of datasets.
        selections: JSON list of {dataset, files}.
        size: height and width of the prepared images.
        filters: JSON of the thresholds (prep.quality.Filters).
        table: the table of images to write; they go into the folder of its name, which is emptied first.
        workers: photographs prepared at the same time.
    """
    registry = read_registry(datasets)
    wanted = TypeAdapter(list[Selection]).validate_json(selections)
    # A photograph that two selections name is taken once.
    sources = list(dict.fromkeys(s for selection in wanted for s in select_sources(registry, selection, ("images",))))
    names = unique_names(sources)
    thresholds = Filters.model_validate_json(filters)
    frames_dir = fresh_folder(folder_of(table))
    jobs = [(source, names[source], size, thresholds, frames_dir) for source in sources]
    desc = f"images {table.stem}"
    write_items(run_jobs(prepare_image, jobs, workers, desc), table, desc)


if __name__ == "__main__":
    tyro.cli(main)
