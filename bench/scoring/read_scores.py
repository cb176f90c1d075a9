"""Reading the scores of several rows: of all clips, or of those datasets that a table is about; and what they lack."""

import json
from pathlib import Path

import pandas as pd

from media.provenance import sidecar_of
from media.tables import CLIPS, SCORES, kept, read_table


def read_scores(paths: list[Path], clips: Path, clips_of: list[str]) -> pd.DataFrame:
    """The tables of scores, columns SCORES, as one; scores of clips only where they are of the datasets `clips_of`.

    clips: the table of the test clips. An empty `clips_of` takes all. Raises ValueError for a dataset without a clip.
    """
    scores = pd.concat([read_table(path, SCORES) for path in paths])
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
