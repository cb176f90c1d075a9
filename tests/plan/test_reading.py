"""The one reader of configurations outside Snakemake."""

import subprocess
import sys

import pytest
import yaml

from plan.errors import ConfigError
from plan.reading import DEFAULT, ROOT, check_files, default_order, read_config


def test_configurations_lie_on_top_of_the_default_one(tmp_path):
    (tmp_path / "one.yaml").write_text("methods: {mine: {method: grey}}\nclips: {size: [48, 64]}\nseed: 3\n")
    (tmp_path / "two.yaml").write_text("clips: {size: [8, 8]}\n")
    default, merged = read_config(), read_config([tmp_path / "one.yaml", tmp_path / "two.yaml"])
    assert list(merged["methods"]) == [*default["methods"], "mine"] == [*default_order(), "mine"]
    assert (merged["clips"]["size"], merged["seed"]) == ([8, 8], 3)
    assert merged["clips"]["length"] == default["clips"]["length"]
    assert read_config([DEFAULT]) == default == yaml.safe_load(DEFAULT.read_text())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "there is no configuration"),
        (b"a: [", "is no YAML"),
        (b"- a", "expected keys"),
        ("seed: 0 # é".encode("latin-1"), "is not UTF-8; it seems to be Latin-1"),
        ("seed: 0".encode("utf-16"), "is not UTF-8; it seems to be UTF-16"),
        (
            b"methods:\n  mine: {}\n  grey: {}\n  mine: {method: grey}",
            "key 'mine' stands in line 2 and again in line 4",
        ),
        (b"a: {b: 1, 'b': 2}", "key 'b' stands in line 1 and again"),
        (b"methods: {1: {}}", "the key 1 in 'methods' is no text; write the name in quotes"),
        (b"methods: {no: {}}", "the key False in 'methods' is no text"),
    ],
)
def test_what_is_no_configuration_is_named(tmp_path, content, expected):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"mine.yaml.*{expected}|{expected}.*mine.yaml"):
        read_config([path])


def test_a_configuration_is_read_as_windows_writes_it(tmp_path):
    (tmp_path / "mine.yaml").write_bytes("\ufeffseed: 7\r\nflow: farneback  \r\n".encode())
    config = read_config([tmp_path / "mine.yaml"])
    assert (config["seed"], config["flow"]) == (7, "farneback")


def test_json_may_have_tabs_and_no_key_twice(tmp_path):
    (tmp_path / "mine.json").write_text('{\n\t"seed": 7\n}')
    assert read_config([tmp_path / "mine.json"])["seed"] == 7
    (tmp_path / "mine.json").write_text('{"seed": 7, "seed": 8}')
    with pytest.raises(ConfigError, match="key 'seed' stands in line 1 and again"):
        read_config([tmp_path / "mine.json"])


def test_merge_keys_of_yaml_may_be_repeated_by_the_keys_that_they_bring(tmp_path):
    (tmp_path / "mine.yaml").write_text("a: &a {method: grey}\nb: {<<: *a, method: ours}\n")
    assert read_config([tmp_path / "mine.yaml"])["b"] == {"method": "ours"}


def test_the_classifier_has_a_short_name(tmp_path):
    """It is that of the backbone of the same network; the stages tell the two apart."""
    (tmp_path / "mine.yaml").write_text("classifier: vgg19\nbackbone: vgg19\n")
    config = read_config([tmp_path / "mine.yaml"])
    assert (config["classifier"], config["backbone"]) == ("vgg19_classifier", "vgg19")


def test_reading_is_light():
    heavy = {"snakemake", "pydantic", "numpy"}
    code = f"import sys, plan.reading, plan.rule_versions; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_an_empty_trial_is_not_taken_for_none(tmp_path):
    (tmp_path / "mine.yaml").write_text("trial: {}")
    with pytest.raises(ConfigError, match=r"mine\.yaml: trial is empty; expected .*items"):
        check_files([tmp_path / "mine.yaml"])
