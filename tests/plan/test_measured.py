"""The file of what this machine was measured to cost."""

import json

import pytest

from plan.errors import ConfigError
from plan.measured import SHIPPED, MachineCosts, known_costs, saved

MADE = MachineCosts("2026-02-03", "x86_64, 2 cores", 1.5, {"clips": 1.0, "score": 2.0, "flow:dis": 4.0})


def test_what_was_saved_is_known(tmp_path):
    assert known_costs(tmp_path / "costs.json") is SHIPPED
    saved(MADE, tmp_path / "logs/costs.json")
    assert known_costs(tmp_path / "logs/costs.json") == MADE


def test_what_was_not_measured_is_as_the_middle_of_what_was():
    assert MADE.of("clips") == 1 and MADE.of("gallery") == 2
    assert SHIPPED.of("clips") == 1 and MachineCosts(start=3.0).of("clips") == 3


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{", b"\xff", b'{"color": 1}', b'{"start": "1"}', b'{"start": 0}', b'{"start": NaN}',
        b'{"start": true}', b'{"factors": {"a": -1}}', b'{"factors": {"a": 1e9}}', b'{"factors": [1]}', b'{"on": 3}',
    ],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "costs.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"costs\.json .*delete it"):
        known_costs(path)


def test_a_folder_that_takes_no_file_is_named(tmp_path):
    (tmp_path / "logs").write_text("")
    with pytest.raises(ConfigError, match=r"costs\.json cannot be written"):
        saved(MADE, tmp_path / "logs/costs.json")


def test_it_is_plain_json(tmp_path):
    saved(MADE, tmp_path / "costs.json")
    assert json.loads((tmp_path / "costs.json").read_text())["factors"]["score"] == 2
