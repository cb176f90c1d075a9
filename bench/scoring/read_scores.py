"""Reading the scores of several rows: of all clips, or of those datasets that a table is about; and what they lack."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from bench.methods.contract.method import KINDS
from media.provenance import sidecar_of
from media.tables import CLIPS, SCORES, kept, read_groups, read_table


def scores_of(paths: list[Path], kinds: Iterable[str] = KINDS, metrics: Iterable[str] | None = None) -> pd.DataFrame:
    """The scores of items of some kinds, and of whole sets of them, by some metrics (None: all); columns SCORES.

    No more than these and a group of rows is in memory.
    """
    kinds, metrics = set(kinds), metrics and set(metrics)
    groups = [group[group["kind"].isin(kinds) & (metrics is None or group["metric"].isin(metrics))]
              for path in paths for group in read_groups(path, SCORES)]  # fmt: skip
    return pd.concat(groups)


def read_scores(
    paths: list[Path], clips: Path, clips_of: list[str], kinds: Iterable[str] = KINDS,
    metrics: Iterable[str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """What `scores_of` reads; scores of clips only where they are of the datasets `clips_of`.

    clips: the table of the test clips. An empty `clips_of` takes all. Raises ValueError for a dataset without a clip.
    """
    scores = scores_of(paths, kinds, metrics)
    if not clips_of:
        return scores
    table = kept(read_table(clips, CLIPS))
    if missing := sorted(set(clips_of) - set(table["dataset"])):
        raise ValueError(
            f"clips_of names {', '.join(missing)}, of which {clips} keeps no clip; it has clips of: "
            f"{', '.join(sorted(set(table['dataset']))) or 'no dataset'}"
        )
    wanted = table.loc[table["dataset"].isin(clips_of), "clip"]
    return scores[(scores["kind"] != "clips") | scores["item"].isin(wanted)]


def left_out(paths: list[Path]) -> list[str]:
    """What could not be measured, and why, as the sidecars of the tables of scores say it: each once.

    Names the rows where not all of them lack it.
    """
    rows: dict[str, list[str]] = {}
    for path in paths:
        sidecar = sidecar_of(path)
        record = json.loads(sidecar.read_text()) if sidecar.exists() else {}
        for why in record.get("left_out", []):
            rows.setdefault(why, []).append(path.stem)
    return [why if len(of) == len(paths) else f"{why} (rows: {', '.join(of)})" for why, of in rows.items()]
