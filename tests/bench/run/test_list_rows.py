"""The commands `list` and `weights`."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from bench.methods.contract.method import Method
from bench.methods.contract.rows import load
from bench.methods.weights import published
from bench.methods.weights.inventory import main as inventory
from bench.run.list_rows import kind_of, line_of_row, main, numbers_in
from bench.run.setting import ROOT
from plan.reading import read_config
from vision.weights import WeightFile


@pytest.fixture
def config() -> dict:
    return read_config()


def test_every_row_of_the_default_configuration_is_listed(capsys, config):
    main()
    shown = capsys.readouterr().out
    for row in config["methods"]:
        assert f"| {row} " in shown
    assert "backbone: efficientnet_lite0, efficientnet-lite0-57934424.pth: present" in shown


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"method": "grey"}, "automatic"),
        ({"method": "welsh2002"}, "reference"),
        ({"method": "fusion"}, "first frame"),
        ({"method": "bonneel2015"}, "post-processor"),
        ({"precomputed": "frames"}, "precomputed"),
        ({"command": "x {frames} {output}", "given": {"clips": ["first_frame"]}}, "first frame"),
    ],
)
def test_a_row_is_called_after_what_it_is_given(options, expected):
    assert kind_of(load("row", options)) == expected


def test_a_row_says_where_its_model_is_missing_or_how_large_it_is(config):
    shipped = line_of_row("shipped", {"method": "ours", "checkpoint": "weights/huebench-small.safetensors"}, config)
    assert shipped["parameters"] == "1,898,595" and shipped["weights"] == "weights/huebench-small.safetensors"
    learned = line_of_row("learned", {"method": "ours", "training": "no such training"}, config)
    assert learned["weights"].startswith("not there yet: results/train/no such training")


def test_a_row_with_published_weights_says_which_and_their_licence(config, tmp_path):
    config["weights"] = str(tmp_path)
    row = line_of_row("iizuka2016", {}, config)
    assert row["weights"] == "missing: colornet_imagenet.t7" and row["parameters"] == "42,367,343"
    assert "not for commercial use" in row["licence"] and row["note"].startswith("no model")
    (tmp_path / published.IIZUKA2016.name).touch()
    row = line_of_row("iizuka2016", {}, config)
    assert row["weights"] == "colornet.t7" and not row["note"]


def test_a_wrong_row_is_shown_with_what_is_wrong(config):
    assert "Did you mean 'grey'" in line_of_row("gray", {}, config)["note"]


def test_a_method_says_why_it_is_skipped(config):
    assert line_of_row("ours", {}, config)["note"].startswith("no trained model")


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("zhang2016", "zhang2016.Zhang2016Network"),
        ("zhang2017", "zhang2017.Zhang2017Network"),
        ("iizuka2016", "iizuka2016.Iizuka2016Network"),
        ("larsson2016", "larsson2016.Larsson2016Network"),
        ("he2018", "he2018.ExampleColorNet"),
        ("lai2018", "lai2018.TransformNet"),
        ("vpn2017", "vpn2017.ColorStage"),
    ],
)
def test_published_networks_have_as_many_parameters_as_is_said(name, network):
    import torch

    from bench.methods.networks.zhang2016_network import bins

    bins()  # a table that is kept from its first use on must not be without values
    module, _, network = network.partition(".")
    with torch.device("meta"):
        made = getattr(import_module(f"bench.methods.networks.{module}_network"), network)()
    assert sum(parameter.numel() for parameter in made.parameters()) == published.PARAMETERS[name]


def test_a_header_is_enough_to_count(tmp_path):
    import torch
    from safetensors.torch import save_file

    save_file({"a": torch.ones(3, 4), "b": torch.tensor(1.0)}, tmp_path / "m.safetensors", {"settings": "x"})
    assert numbers_in(tmp_path / "m.safetensors") == 13


def test_weights_shows_every_file_and_which_are_there(tmp_path, capsys):
    (tmp_path / published.VPN2017.name).write_bytes(b"x")
    (tmp_path / published.ZHANG2016.name).write_bytes(b"x")
    inventory(weights=tmp_path)
    shown = capsys.readouterr().out
    assert f"3 of {len(published.FILES)} files are present" in shown  # these two, and the one in a package
    assert f"{published.VPN2017.name}: present, sha256 2d711642" in shown
    assert f"{published.ZHANG2016.name}: present, NOT the published file: sha256 2d711642" in shown
    assert f"{published.LAI2018.name}: missing" in shown
    assert "efficientnet-lite0-57934424.pth: present, as published" in shown


@pytest.mark.parametrize("file", published.FILES, ids=lambda file: file.name)
def test_every_file_is_fully_described(file: WeightFile):
    assert file.origin and file.licence and file.size and file.changes


def test_every_published_file_belongs_to_a_network_that_is_counted():
    assert set(published.OF_METHOD) == set(published.PARAMETERS)


def test_the_commands_are_light():
    code = (
        "import sys, bench.run.list_rows, bench.run.try_row, bench.methods.weights.inventory\n"
        "sys.exit(bool({'torch', 'snakemake', 'h5py'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_recipes_can_be_listed(capsys):
    recipes = tuple(sorted((ROOT / "config/methods").glob("*.yaml")))
    main(config=recipes)
    shown = capsys.readouterr().out
    for path in recipes:
        for row in yaml.safe_load(Path(path).read_text())["methods"]:
            assert f"| {row} " in shown
    assert "error" not in shown
    assert issubclass(type(load("ddcolor", read_config(recipes)["methods"]["ddcolor"])), Method)


@pytest.mark.parametrize("methods", ["null", "[grey]", "grey", "{grey: 3}"])
def test_methods_that_are_no_mapping_are_named(tmp_path, methods):
    (tmp_path / "mine.yaml").write_text(f"methods: {methods}\n")
    with pytest.raises(SystemExit, match=r"error: config: methods.* is .*expected a mapping"):
        main(config=(tmp_path / "mine.yaml",))


@pytest.mark.parametrize("row", ["../x", "", "n" * 300, "a/b", "with space", "-x", "."])
def test_a_name_that_no_row_may_have_is_refused_as_the_workflow_does(config, row):
    note = line_of_row(row, {"method": "grey"}, config)["note"]
    assert note.startswith(f"error: methods.{row}: the name {row!r} cannot be that of a file; expected letters")
