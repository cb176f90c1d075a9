"""Plans of the default configuration with some keys changed, without Snakemake's own work."""

from pathlib import Path

import pytest
from snakemake.utils import update_config

from plan.pipeline import Plan
from plan.reading import ROOT, read_config


@pytest.fixture
def plan():
    """Makes the plan of a change to the default: plan({"seed": 1}), or of overlays: plan(overlays=["paper"])."""

    def make(change: dict | None = None, overlays: tuple[str, ...] = ()) -> Plan:
        config = read_config([Path(ROOT / "config" / f"{name}.yaml") for name in overlays])
        update_config(config, change or {})
        return Plan(config, ROOT)

    return make
