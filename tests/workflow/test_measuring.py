"""`python -m plan cost --calibrate` for real: the default's stages on generated media."""

import pytest

from plan.cost_table import main
from plan.measured import known_costs

pytestmark = pytest.mark.slow


def test_a_machine_is_measured_and_the_table_names_it(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    main(calibrate=True, table1=True)
    said, measured = capfd.readouterr().out, known_costs()
    assert "  train " in said and f"measured on this machine on {measured.on}" in said
    assert {"flow:dis", "flow:farneback", "train:ours", "colorize:ours", "score"} <= set(measured.factors)
    assert 0.1 < measured.start < 10 and 0.1 < measured.typical < 10
