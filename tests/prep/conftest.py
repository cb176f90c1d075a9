"""Running the stages of preparation one after the other, as the workflow does."""

import json

import pytest

from media.tables import CLIPS, folder_of, read_table
from prep import clips, gather, images, sources

FILTERS = {"min_mean_l": 15, "min_mean_chroma": 6, "min_chroma_spread": 0.5, "min_side": 32, "duplicates": "exact"}


@pytest.fixture
def prepare_set(tmp_path):
    """Prepares a set from tmp_path/datasets.tsv into tmp_path/<out>; gives its table by item."""

    def run(
        kind, selections, out="out", split="test", shards=1, claimed=(), length=5, filters=None, size=(36, 64), **given
    ):
        filters = FILTERS | (filters or {})
        listed = tmp_path / out / f"sources/{kind}/{split}.parquet"
        sources.main(
            datasets=tmp_path / "datasets.tsv", selections=json.dumps(selections), kind=kind,
            table=listed, length=length,
        )  # fmt: skip
        table = tmp_path / out / kind / f"{split}.parquet"
        tables = [tmp_path / out / f"shards/{kind}/{split}/{shard}.parquet" for shard in range(shards)]
        stage = {"clips": clips, "images": images}[kind]
        for shard, path in enumerate(tables):
            stage.main(
                sources=listed, shard=shard, shards=shards, size=size, filters=json.dumps(filters),
                frames=folder_of(table), table=path, **given,
            )  # fmt: skip
        counts = {one["dataset"]: one["count"] for one in selections if "count" in one}
        gather.items(
            sources=listed, shards=tables, claimed=list(claimed), duplicates=filters["duplicates"], table=table,
            counts=json.dumps(counts),
        )  # fmt: skip
        return read_table(table, CLIPS).set_index("clip", drop=False)

    return run
