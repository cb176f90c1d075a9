"""A dataset's folder that changed is noticed at the next run, and only what is new in it is prepared."""

import os
import shutil

import yaml
from tiny_world import CONFIG, planned, scene, snakemake

from media.image import write_png

TARGET = "results/images/validation.parquet"


def run(folder, *arguments):
    return snakemake(*arguments, "--", TARGET, directory=folder, config=folder / "tiny.yaml").stdout


def test_a_new_file_is_prepared_alone_and_a_move_makes_nothing(tmp_path):
    folder = tmp_path / "here"
    for index in range(2):
        write_png(folder / f"photos/{index}.png", scene(index, 100, 140))
    os.mkfifo(folder / "photos/pipe.png")
    (folder / "datasets.tsv").write_text("name\tkind\troot\nphotos\timages\tphotos\n")
    wanted = {"size": [80, 112], "from": [{"dataset": "photos", "files": "*.png"}]}
    config = {
        "datasets": str(folder / "datasets.tsv"),
        "filter": CONFIG["filter"],
        "images": {"sets": {"test": wanted}},
    }
    config["images"]["sets"] |= {"validation": wanted | {"filter": {"duplicates": "off"}}}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    assert planned(run(folder))["sources"] == 2
    write_png(folder / "photos/2.png", scene(2, 100, 140))
    moved = shutil.copytree(folder, tmp_path / "there", ignore=shutil.ignore_patterns("2.png", "pipe.png"))
    os.mkfifo(moved / "photos/pipe.png")
    assert "Nothing to be done" in run(moved, "-n")
    assert planned(run(folder))["sources"] == 2
    log = (folder / "logs/images/validation/0.log").read_text()
    assert "3 of 4 were done before, 1 to do" in log and "3 images of 4 sources" in log
