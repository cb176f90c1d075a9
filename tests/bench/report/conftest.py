"""A small run, written by hand, whose every frame can be told by its grey; its report; and a browser to open it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.report.__main__ import main
from bench.stand_ins import Choices
from media.document import Cell, Column, Document, Note, Row, of_records
from media.formats import write
from media.image import frame_path, write_png
from media.provenance import provenance
from media.tables import CLIPS, COLORIZED, REFERENCES, SCORES, write_table

SIZE = (48, 64)
FRAMES = 7
RED = (200, 30, 30)
ROWS = ("ground_truth", "grey", "red", "fails")
PSNR = {"red": {"ramp": 30.0, "dusk": 20.0, "noon": 25.0}, "grey": {"ramp": 10.0, "dusk": 12.0, "noon": 11.0}}
CHOICES = Choices(
    backbone="efficientnet_lite0", classifier="efficientnet_lite0", fid_features="efficientnet_lite0", flow="dis",
    scoring_flow="farneback",
)  # fmt: skip
TABLE1 = Document(
    name="table1",
    title="Table 1",
    columns=(
        Column(name="method", heading="method"),
        Column(name="psnr", heading="psnr", decimals=2, interval=True),
        Column(name="flicker", heading="flicker"),
    ),
    rows=(
        Row(cells={"method": Cell(value="red"), "psnr": Cell(value=25.0, low=20.0, high=30.0, mark="†")}),
        Row(
            cells={
                "method": Cell(value="Red", text="paper: Red"),
                "psnr": Cell(value=31.0),
                "flicker": Cell(value=1.2),
            },
            kind="paper",
        ),
        Row(cells={"method": Cell(value="grey"), "psnr": Cell(value=9.0), "flicker": Cell(value=0.5)}),
    ),
    notes=(
        Note(kind="code", text="A note with `code` and <b>no tags</b>."),
        Note(kind="mark", text="†: who knows."),
    ),
)
FIGURE7 = of_records(
    "figure7",
    "Figure 7",
    (
        {"method": "red", "frame": t, "psnr": 30 - t, "n_clips": 3, "psnr_low": 28 - t, "psnr_high": 32 - t}
        for t in range(1, FRAMES)
    ),
    ["method", "frame", "psnr", "n_clips"],
    notes=(Note(kind="bands", text="Bands."),),
)
FIGURE4 = of_records(
    "figure4",
    "Figure 4, <made> small",
    [{"figure": "figure4", "file": "01_ramp.png", "item": "ramp", "row": "red", "frame": 0}],
    ["figure", "file", "item", "row", "frame", "reason"],
    caption="In two.",
    notes=(Note(kind="shown", text="What is shown."),),
)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


def grey_of(frame: int) -> int:
    """What a frame of the clip `ramp` is filled with."""
    return 20 + 30 * frame


def plain(value) -> np.ndarray:
    return np.full((*SIZE, 3), value, np.uint8)


def write_items(results: Path, kind: str, items: dict[str, list[np.ndarray]]) -> None:
    for item, frames in items.items():
        for index, rgb in enumerate(frames):
            write_png(frame_path(results / kind / "test" / item, index), rgb)
            write_png(frame_path(results / "colorize/red" / kind / item, index), plain(RED))
    rows = [{"clip": item, "n_frames": len(frames)} for item, frames in items.items()]
    rejected = {"clip": "rejected", "n_frames": 0, "reason": "low_chroma"}
    write_table([*rows, rejected], results / kind / "test.parquet", CLIPS)
    picture = str(frame_path(results / kind / "test" / next(iter(items)), 0))
    found = [{"item": item, "rank": 1, "reference": "it", "path": picture} for item in items]
    write_table(found, results / "references" / kind / "test.parquet", REFERENCES)


def write_rows(results: Path, items: dict[str, dict[str, list]]) -> None:
    failed = {"reason": "method_raised", "detail": "out of <paint>"}
    for row in ROWS:
        lines = [
            {"item": item, "kind": kind, "n_frames": len(frames)} | (failed if row == "fails" else {})
            for kind in items
            for item, frames in items[kind].items()
        ]
        write_table(lines, results / f"colorize/{row}.parquet", COLORIZED)
        scores = [
            {"row": row, "metric": "psnr", "kind": "clips", "item": item, "frame": frame, "value": value}
            for item, value in PSNR.get(row, {}).items()
            for frame in range(FRAMES)
        ]
        write_table(scores, results / f"score/{row}.parquet", SCORES)


def write_tables(results: Path) -> None:
    write(TABLE1, json=results / "table1.json")
    write(FIGURE7, json=results / "figure7.json")
    steps = [{"step": step, "total": 1 / step} for step in range(1, 5)] + [{"step": 4, "validation": 3.5}]
    (results / "train/ours").mkdir(parents=True)
    (results / "train/ours/metrics.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
    write_png(results / "figure4/01_ramp.png", np.zeros((300, 1500, 3), np.uint8))
    write(FIGURE4, json=results / "figure4/figure.json", csv=results / "figure4/shown.csv")
    (results / "choices.json").write_text(CHOICES.model_dump_json())


def write_records(results: Path) -> None:
    """The sidecars of a score and of the table that is made of it."""
    score = results / "score/red.parquet"
    for stage, artifact, given in [
        ("bench.scoring.score", score, {"clips": results / "clips/test.parquet", "table": score}),
        (
            "bench.tables.table1",
            results / "table1.json",
            {"scores": [score], "table": results / "table1.json", "seed": 7},
        ),
    ]:
        record = provenance(stage, given, ("table",))
        artifact.with_suffix(".provenance.json").write_text(json.dumps(record))


def arguments(results: Path) -> dict:
    return {
        "out": results / "report",
        "results": results,
        "colorized": [results / f"colorize/{row}.parquet" for row in ROWS],
        "scores": [results / f"score/{row}.parquet" for row in ROWS],
        "clips": results / "clips/test.parquet",
        "images": results / "images/test.parquet",
        "clip_references": results / "references/clips/test.parquet",
        "image_references": results / "references/images/test.parquet",
        "tables": [results / "table1.json"],
        "figure7": results / "figure7.json",
        "curves": [results / "train/ours/metrics.jsonl"],
        "figures": [results / "figure4"],
        "baseline": "red",
        "choices": results / "choices.json",
    }


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Path:
    """The hand-written run with its report in it."""
    results = tmp_path_factory.mktemp("results of a run")
    clips = {
        "ramp": [plain(grey_of(frame)) for frame in range(FRAMES)],
        "dusk": [plain(60)] * FRAMES,
        "noon": [plain(220)] * FRAMES,
    }
    items = {"clips": clips, "images": {"photo_a": [plain(90)], "photo_b": [plain((30, 160, 60))]}}
    for kind, own in items.items():
        write_items(results, kind, own)
    write_rows(results, items)
    write_tables(results)
    write_records(results)
    main(**arguments(results))
    return results


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium with an empty profile that keeps its console and what it asks for."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install '.[test]'")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("chromium and chromedriver are not installed (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()
