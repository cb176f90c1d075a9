"""What a training is recognised by: the hash of its data follows what it sees, not where that lies."""

import shutil

import pytest

from colorize.training.pairs import PreparedSet, TrainingData
from colorize.training.resume import data_hash
from media.tables import CLIPS, FLOW, REFERENCES, read_table, write_table


def opened(world) -> TrainingData:
    """The data that the fixture `data` wrote, or a copy of it."""
    clips = PreparedSet(world / "clips.parquet", world / "references.parquet", world / "flow.parquet")
    photos = PreparedSet(world / "photos.parquet", world / "references.parquet")
    return TrainingData(clips, photos, PreparedSet(world / "validation.parquet"))


def test_the_same_data_elsewhere_has_the_same_hash(data, tmp_path):
    elsewhere = shutil.copytree(tmp_path, tmp_path.with_name("elsewhere"))
    moved = read_table(elsewhere / "references.parquet", REFERENCES)
    moved["path"] = moved["path"].str.replace(str(tmp_path), str(elsewhere))
    write_table(moved, elsewhere / "references.parquet", REFERENCES)
    assert data_hash(opened(elsewhere)) == data_hash(data)


@pytest.mark.parametrize(
    ("table", "columns", "changes"),
    [
        ("clips", CLIPS, {"sha256": "other pixels"}),
        ("photos", CLIPS, {"sha256": "other pixels"}),
        ("validation", CLIPS, {"sha256": "other pixels"}),
        ("references", REFERENCES, {"reference": "c"}),
        ("flow", FLOW, {"estimator": "another"}),
        ("flow", FLOW, {"visible": 0.5}),
    ],
)
def test_other_data_have_another_hash(data, tmp_path, table, columns, changes):
    before = data_hash(data)
    path = tmp_path / f"{table}.parquet"
    write_table(read_table(path, columns).assign(**changes), path, columns)
    assert data_hash(opened(tmp_path)) != before


def test_validation_clips_count(data):
    before = data_hash(data)
    data.validation_clips = data.clips
    assert data_hash(data) != before
