"""The gallery: judged like photographs, features of the grey picture, no pictures written, the same after a kill."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from media.color import lab_from_rgb, with_luminance
from media.image import cover_crop, write_png
from media.tables import GALLERY, read_table
from prep import gallery, images, sources
from prep.judging.quality import Filters
from vision.backbones import load_backbone

FILTERS = {"min_mean_l": 15, "min_mean_chroma": 6, "min_chroma_spread": 0.5, "min_side": 32}


@pytest.fixture
def listed(tmp_path):
    """Lists all of tmp_path/photos as one set."""

    def make():
        line = f"photos\timages\t{tmp_path / 'photos'}\t" + r"(\d+).*\.png"
        (tmp_path / "datasets.tsv").write_text(f"name\tkind\troot\tlabel_pattern\n{line}\n")
        sources.main(
            datasets=tmp_path / "datasets.tsv",
            selections=json.dumps([{"dataset": "photos", "files": "*"}]),
            kind="images",
            table=tmp_path / "sources.parquet",
        )

    return make


@pytest.fixture
def prepare(tmp_path):
    """Runs the stage; gives the table by image, and the features."""

    def run(shard: int = 0, name: str = "00", size=(36, 64), shards: int = 1):
        table = tmp_path / f"gallery/{name}.parquet"
        gallery.main(
            sources=tmp_path / "sources.parquet",
            shard=shard,
            shards=shards,
            size=size,
            filters=json.dumps(FILTERS),
            backbone="efficientnet_lite0",
            weights=tmp_path,
            table=table,
        )
        return read_table(table, GALLERY).set_index("clip", drop=False), np.load(table.with_suffix(".npy"))

    return run


def test_images_are_judged_as_photographs_and_no_picture_is_written(tmp_path, listed, prepare, picture):
    photos = tmp_path / "photos"
    write_png(photos / "1_dark.png", picture(0) // 12)
    write_png(photos / "2_good.png", picture(1))
    write_png(photos / "3_grey.png", picture(2)[..., :1].repeat(3, axis=-1))
    write_png(photos / "4_tiny.png", picture(3)[:20, :20])
    (photos / "5_half.png").write_bytes((photos / "2_good.png").read_bytes()[:500])
    write_png(photos / "6_good.png", picture(6))
    listed()
    table, features = prepare()
    assert dict(table["reason"].fillna("kept")) == {
        "1_dark": "too_dark",
        "2_good": "kept",
        "3_grey": "grayscale",
        "4_tiny": "too_small",
        "5_half": "corrupt_image",
        "6_good": "kept",
    }
    assert dict(table["row"].dropna()) == {"2_good": 0, "6_good": 1} and features.shape == (2, 1280)
    assert table["label"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table.loc["2_good", "path"] == str((photos / "2_good.png").resolve())
    source = sources.sources_of_shard(tmp_path / "sources.parquet", 0, 1)[1][1]
    (judged,) = images.prepare_image(source, "2_good", (36, 64), Filters(**FILTERS), None)
    shared = [column for column in GALLERY if column in judged]
    assert {"sha256", "source_sha256", "mean_l", "label", "fingerprint"} <= set(shared)
    assert table.loc["2_good", shared].to_dict() == {column: judged[column] for column in shared}
    assert sorted(path.name for path in (tmp_path / "gallery").iterdir()) == ["00.npy", "00.parquet"]


def test_features_are_those_of_the_grey_crop_whatever_stands_beside_it(tmp_path, listed, prepare, picture):
    for index in range(5):
        write_png(tmp_path / f"photos/{index}.png", picture(index, 80, 90))
    listed()
    _, features = prepare()
    network = load_backbone("efficientnet_lite0", tmp_path)
    alone = gallery.grey_features(cover_crop(picture(3, 80, 90), (36, 64)), network)
    np.testing.assert_array_equal(features[3], alone)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-6)
    luminance = lab_from_rgb(cover_crop(picture(3, 80, 90), (36, 64)))[..., 0]
    colourless = with_luminance(luminance, np.zeros((36, 64, 2)))
    assert alone @ gallery.grey_features(colourless, network) > 0.98 > features[3] @ features[2] + 0.1


def test_without_a_gpu_none_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="PyTorch sees no GPU"):
        gallery.network_of("efficientnet_lite0", tmp_path, "cuda")
    assert gallery.device_of(gallery.network_of("efficientnet_lite0", tmp_path, "auto")).type == "cpu"


def test_shards_hold_each_image_once_with_the_same_features(tmp_path, listed, prepare, picture):
    for index in range(9):
        write_png(tmp_path / f"photos/{index}.png", picture(index))
    listed()
    table, features = prepare()
    found = {}
    for shard in range(4):
        part, own = prepare(shard, f"part{shard}", shards=4)
        found |= {name: own[row] for name, row in part["row"].items()}
    assert sorted(found) == sorted(table.index)
    for name, row in table["row"].items():
        np.testing.assert_array_equal(found[name], features[row])


def test_a_shard_without_kept_images_is_there_and_empty(tmp_path, listed, prepare, picture):
    write_png(tmp_path / "photos/1.png", picture(0) // 12)
    listed()
    table, features = prepare()
    assert (len(table), len(features)) == (1, 0)


def test_what_changed_is_made_again_and_the_rest_is_not(tmp_path, listed, prepare, picture, monkeypatch, capsys):
    monkeypatch.setattr(gallery, "PART", 2)
    for index in range(6):
        write_png(tmp_path / f"photos/{index}.png", picture(index))
    listed()

    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gallery, "join", stop)
        with pytest.raises(KeyboardInterrupt):
            prepare()
    write_png(tmp_path / "photos/2.png", picture(50, 70, 90))
    done = []
    make = gallery.images.read_image
    monkeypatch.setattr(gallery.images, "read_image", lambda *a, **k: done.append(a[1]) or make(*a, **k))
    table, features = prepare()
    assert done == ["2", "3"] and len(features) == 6 and table.loc["2", "source_height"] == 70
    assert "2 of 3 were done before" in capsys.readouterr().out
    assert prepare(size=(40, 64))[0].loc["5", "sha256"] != table.loc["5", "sha256"]


KILLED = "import sys, tyro; from prep import gallery; gallery.PART = 2; tyro.cli(gallery.main, args=sys.argv[1:])"


def test_a_killed_run_goes_on_and_leaves_the_same_bytes(tmp_path, listed, prepare, picture, monkeypatch, capsys):
    for index in range(60):
        write_png(tmp_path / f"photos/{index}.png", picture(index) // (12 if index % 7 == 0 else 1))
    listed()
    table = tmp_path / "gallery/killed.parquet"
    options = {"sources": tmp_path / "sources.parquet", "shard": 0, "shards": 1, "filters": json.dumps(FILTERS)}
    options |= {"backbone": "efficientnet_lite0", "weights": tmp_path, "table": table}
    command = [sys.executable, "-c", KILLED, "--size", "36", "64"]
    command += [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    receipts = tmp_path / "gallery/killed/receipts"
    while process.poll() is None and len(list(receipts.glob("*.json"))) < 3:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and not table.exists(), process.stderr.read()
    monkeypatch.setattr(gallery, "PART", 2)
    prepare(name="killed")
    said = capsys.readouterr().out
    done = int(said.split(" of 30 were done before")[0].split()[-1])
    assert 3 <= done < 30
    prepare(name="undisturbed")
    for suffix in (".parquet", ".npy"):
        whole = (tmp_path / f"gallery/undisturbed{suffix}").read_bytes()
        assert table.with_suffix(suffix).read_bytes() == whole
    assert not (tmp_path / "gallery/killed").exists()
