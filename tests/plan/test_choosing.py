"""What a configuration comes to: entries taken out, published networks where their files are, the published model."""

import re

import pytest
import torch
import yaml

from bench.methods.contract.rows import load
from bench.run.setting import setting_of
from plan.check import Check, before_run
from plan.errors import ConfigError
from plan.estimate import Estimate
from plan.needs import Needs
from plan.reading import ROOT, check_files

ROW = {"zhang2016": {"training": "zhang2016", "prefer": "published"}}
TRAININGS = yaml.safe_load((ROOT / "config/all.yaml").read_text())["training"]
FILE = "colorization_release_v2-9b330a0b.pth"
RELEASE = ("nonlocal_net_iter_76000.pth", "colornet_iter_76000.pth", "vgg19_conv.pth")


@pytest.fixture
def preferring(plan, tmp_path):
    """The default with a row that prefers its authors' network; makes its plan anew, as the folder of weights is."""
    change = {"weights": str(tmp_path), "methods": ROW, "training": {"zhang2016": TRAININGS["zhang2016"]}}
    return lambda more=None: plan(change | (more or {}))


@pytest.fixture
def published(plan, tmp_path):
    rows = {"mine": {"method": "ours", "checkpoint": "release"}}
    return lambda: plan({"weights": str(tmp_path), "methods": rows})


def put(folder, names=RELEASE):
    for name in names:
        torch.save({"x": torch.ones(1)}, folder / name)


def test_null_takes_rows_trainings_and_ablations_out(plan):
    rows = {"ours_aligned": None, "ours_aligned_first_frame": None, "grey": None}
    change = {"methods": rows, "training": {"ours_aligned": None}, "ablations": {"rows": {"without_adv": None}}}
    made = plan(change)
    assert not {*rows, "without_adv"} & {*made.rows} and list(made.trainings_of(made.rows)) == list(made.trainings)
    assert list(made.config["training"]) == ["ours"] and len(made.table5_rows) == 4


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"methods": {"ours_shipped": None}}, "figures.multimodal.rows"),
        ({"methods": {"ours": None}}, "ablations.of"),
        ({"training": {"ours_aligned": None}}, "methods.ours_aligned.training"),
        ({"methods": ROW, "training": {"zhang2016": None}}, "methods.zhang2016.training"),
        ({"methods": {"nn_match+bonneel2015": {}, "nn_match": None}}, "methods.nn_match+bonneel2015"),
    ],
)
def test_what_names_an_entry_that_is_taken_out_is_told_so(plan, change, key):
    with pytest.raises(ConfigError, match=rf"{re.escape(key)} names .*: null` takes out"):
        plan(change)


def test_null_for_what_there_is_not_is_named_with_the_nearest(tmp_path):
    (tmp_path / "mine.yaml").write_text("methods: {ours_aligne: null}")
    with pytest.raises(ConfigError, match=r"mine\.yaml: methods\.ours_aligne is null.*did you mean 'ours_aligned'"):
        check_files([tmp_path / "mine.yaml"])
    (tmp_path / "mine.yaml").write_text("methods: {vpn2017: null}\ntraining: {vpn2017: null}")
    check_files([ROOT / "config/paper.yaml", tmp_path / "mine.yaml"])


def test_a_row_is_its_authors_network_where_the_file_is_and_else_its_training(preferring, tmp_path):
    trained = preferring()
    assert trained.training_of("zhang2016") == "zhang2016" in trained.table1_trainings
    assert trained.networks["zhang2016"] == {"published": "", "missing": FILE, "differs": ""}
    put(tmp_path, [FILE])
    made = preferring()
    assert made.training_of("zhang2016") is None and made.table1_trainings == ["ours", "ours_aligned"]
    assert "checkpoint" not in made.inputs_for("zhang2016", "test")
    network = made.networks["zhang2016"]
    assert (network["published"], network["missing"]) == (FILE, "")
    assert re.fullmatch(r"sha256 is \w{8}\.\.\., the published file has 9b330a0b\.\.\.", network["differs"])
    # It is made again, as it is where the file is another.
    contents = [trained.content_of_checkpoint("zhang2016"), made.content_of_checkpoint("zhang2016")]
    assert contents[0] == "" and FILE in contents[1] and made.rows["zhang2016"] != trained.rows["zhang2016"]
    # Neither the check nor the estimate knows of a training then.
    costs = [Estimate(one, only_table1=True).stages() for one in (trained, made)]
    assert [next(one.jobs for one in stages if one.stage == "train") for stages in costs] == [3, 2]
    check = Check(Needs(made), Needs(made).of_all(), list(made.rows), is_scored=True)
    said = " ".join(" ".join(check.lines()).split())
    assert f"stand-in zhang2016: {FILE} is a file of that name whose content is NOT the published one" in said
    assert f"published zhang2016 ({FILE})" not in said and "trained here" not in said and check.passes


def test_a_file_of_which_no_hash_is_known_is_taken_for_the_published_one(plan, tmp_path):
    put(tmp_path, ["autocolorize.caffemodel.h5"])
    made = plan({"weights": str(tmp_path), "methods": {"larsson2016": {}}})
    assert made.networks["larsson2016"]["differs"] == ""
    assert made.content_of_checkpoint("larsson2016").startswith("published autocolorize")


def test_a_damaged_file_is_no_network(preferring, tmp_path):
    (tmp_path / FILE).write_text("<!DOCTYPE html>")
    faults = [need.fault for need in Needs(preferring()).of_row("zhang2016") if need.name == FILE]
    assert "a web page" in faults[0]
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    made = preferring()
    faults = [need.fault for need in Needs(made).of_row("zhang2016") if need.name == FILE]
    assert "a folder" in faults[0] and made.networks["zhang2016"]["differs"] == ""


def test_a_link_to_nothing_is_no_missing_file(preferring, tmp_path):
    """Which would mean a training of days, without a word."""
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere.pth")
    made = preferring()
    (need,) = [need for need in Needs(made).of_row("zhang2016") if need.name == FILE]
    assert made.training_of("zhang2016") is None and "link to nothing" in need.fault
    assert made.content_of_checkpoint("zhang2016") == f"published {FILE} not there"
    said = before_run(made, [("colorize", {"row": "zhang2016"})], pytest.fail)
    assert FILE in said and "link to nothing" in " ".join(said.split())


def test_a_published_file_of_several_rows_is_named_once(preferring, tmp_path):
    put(tmp_path, ["ECCV18_blind_consistency.pth"])
    change = {"flicker_plus": {"method": "lai2018", "training": "lai2018", "prefer": "published"}}
    change["training"] = {name: TRAININGS[name] for name in ("lai2018", "zhang2016")}
    change["training"]["lai2018"] = TRAININGS["lai2018"] | {"recolored": ["nn_match"]}
    made = preferring(change)
    lines = Check(Needs(made), Needs(made).of_all(), list(made.rows), is_scored=True).lines(True)
    (said,) = re.findall(r"  published .*?(?=\n  \S)", "\n".join(lines), flags=re.DOTALL)
    assert said.count("ECCV18_blind_consistency.pth") == 1 and said.count("+lai2018") > 1


def test_a_post_processor_may_prefer_its_authors_network_too(preferring, tmp_path):
    plus = {"method": "lai2018", "training": "lai2018", "prefer": "published"}
    change = {"flicker_plus": plus, "training": {name: TRAININGS[name] for name in ("lai2018", "zhang2016")}}
    change["training"]["lai2018"] = TRAININGS["lai2018"] | {"recolored": ["nn_match"]}
    assert preferring(change).training_of("grey+lai2018") == "lai2018"
    put(tmp_path, ["ECCV18_blind_consistency.pth"])
    assert preferring(change).training_of("grey+lai2018") is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"stn2018": {"training": "ours", "prefer": "published"}}, "there is none of 'stn2018'"),
        ({"zhang2016": {"prefer": "published"}}, "needs a 'training'"),
        ({"zhang2016": {"prefer": "published", "checkpoint": "x.safetensors"}}, "needs a 'training'"),
        ({"zhang2016": {"training": "our", "prefer": "published"}}, "methods.zhang2016.training names 'our'"),
        ({"zhang2016": {"training": "ours", "prefer": "published"}}, "which trains the method 'ours'"),
        ({"zhang2016": {"training": "ours", "prefer": "mine"}}, "methods.zhang2016.prefer"),
    ],
)
def test_a_preference_that_leaves_no_choice_is_refused(plan, tmp_path, row, expected):
    put(tmp_path, [FILE])  # whether the file is there or not
    with pytest.raises(ConfigError, match=re.escape(expected)):
        plan({"methods": row, "weights": str(tmp_path)})


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"zhang2016": {"training": "ours"}}, "zhang2016.training names 'ours', which trains the method 'ours'"),
        ({"zhang2016": {"checkpoint": "release"}}, "'release', the files of the published model, which the method"),
        ({"zhang2016": {"checkpoint": "weights"}}, "'weights', the files of the published model, which the method"),
        ({"nn_match": {"checkpoint": "release"}}, "not 'nn_match'"),
        ({"mine": {"method": "ours", "checkpoint": ""}}, "methods.mine.checkpoint is empty"),
    ],
)
def test_a_model_that_a_method_cannot_take_is_refused(plan, row, expected):
    with pytest.raises(ConfigError, match=re.escape(expected)):
        plan({"methods": row})


def test_ablations_of_a_row_that_is_its_authors_network_say_so(preferring, tmp_path):
    put(tmp_path, [FILE])
    with pytest.raises(ConfigError, match=r"'zhang2016', which prefers a published network whose file is in"):
        preferring({"ablations": {"of": "zhang2016"}})


@pytest.mark.parametrize(("named", "kind"), [("none/x.safetensors", "file"), ("none/x", "folder"), ("a.b/", "folder")])
def test_a_checkpoint_that_is_not_there_is_called_what_it_would_be(plan, named, kind):
    made = plan({"methods": {"mine": {"method": "ours", "checkpoint": named}}})
    (need,) = [need for need in Needs(made).of_row("mine") if need.kind == "checkpoints"]
    assert need.fault == f"there is no such {kind}"
    with pytest.raises(ConfigError, match=f"there is no such {kind}"):
        made.content_of_checkpoint("mine")


def test_networks_of_different_trainings_are_no_model(plan, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    put(folder, ["nonlocal_net_iter_1.pth", "colornet_iter_2.pth", "vgg19_conv.pth"])
    made = plan({"weights": str(tmp_path), "methods": {"mine": {"method": "ours", "checkpoint": str(folder)}}})
    (need,) = [need for need in Needs(made).of_row("mine") if need.kind == "checkpoints"]
    assert "colornet_iter_2.pth, which are not of one training" in need.fault and "--fetch" not in need.fault


def test_the_published_model_is_a_row_without_a_training(published, tmp_path):
    made = published()
    skip = load("mine", made.rows["mine"], setting_of(made.rows["mine"], made.config)).skip()
    assert "published model is not there" in skip and "--fetch release" in skip
    assert made.content_of_checkpoint("mine") == "checkpoint not there" and not Needs(made).of_row("mine")[0].fault
    assert all(need.kind != "checkpoints" for need in Needs(made).of_row("mine"))
    put(tmp_path)
    made = published()
    assert made.training_of("mine") is None and made.named_checkpoint("mine") == {"checkpoint": str(tmp_path)}
    assert re.fullmatch("checkpoint( [0-9a-f]{64}){3}", made.content_of_checkpoint("mine"))
    assert load("mine", made.rows["mine"], setting_of(made.rows["mine"], made.config)).skip() is None
    assert made.choices["own_backbones"] == {"mine": "vgg19"} and "mine" in made.matching_rows
    (need,) = [need for need in Needs(made).of_row("mine") if need.kind == "checkpoints"]
    assert (need.name, need.fault) == ("release", "")
    Estimate(made).stages()


@pytest.mark.parametrize("left_out", RELEASE)
def test_a_folder_that_lacks_a_file_is_named_with_it(plan, tmp_path, left_out):
    folder, elsewhere = tmp_path / "folder", tmp_path / "weights"
    folder.mkdir()
    put(folder, [name for name in RELEASE if name != left_out])
    rows = {"mine": {"method": "ours", "checkpoint": str(folder)}}
    made = plan({"weights": str(elsewhere), "methods": rows})
    stem = left_out.partition("_76000")[0]
    with pytest.raises(ConfigError, match=rf"methods\.mine names the folder .*{stem}"):
        made.content_of_checkpoint("mine")
    (need,) = [need for need in Needs(made).of_row("mine") if need.kind == "checkpoints"]
    assert stem in need.fault


def test_a_folder_counts_by_the_content_of_its_three_files(plan, tmp_path):
    put(tmp_path)
    change = {"methods": {"mine": {"method": "ours", "checkpoint": str(tmp_path)}}}
    made = plan(change)
    before = made.content_of_checkpoint("mine")
    (tmp_path / "notes.txt").write_text("of no account")
    assert made.content_of_checkpoint("mine") == before
    torch.save({"x": torch.zeros(1)}, tmp_path / "colornet_iter_80000.pth")  # of no account either, without its other
    assert plan(change).content_of_checkpoint("mine") == before
    torch.save({"x": torch.zeros(1)}, tmp_path / "nonlocal_net_iter_80000.pth")  # the newest two count
    assert made.content_of_checkpoint("mine") != before


def test_the_papers_rows_and_no_others(plan):
    made = plan(overlays=["paper"])
    assert set(made.config["methods"]) == {
        "ground_truth", "iizuka2016", "larsson2016", "zhang2016", "he2018", "ours", "ours_release",
        "flow_propagation", "vpn2017", "stn2018", "ours_first_frame", "ours_release_first_frame",
    }  # fmt: skip
    budgets = {(own["steps"], own["batch"], own["width"], own["keep"]) for own in made.config["training"].values()}
    assert budgets == {(22110, 40, 1, "last")}
    assert list(made.plus_rows.values()) == [row for row in made.config["methods"] if row != "ground_truth"]
