"""What rows, trainings, tables and figures are, and what each needs."""

import re

import pytest
import yaml

from bench.methods.contract.rows import load
from colorize.checkpoint import metadata
from colorize.settings import LossWeights, TrainSettings
from plan.errors import ConfigError
from plan.reading import ROOT

ABLATIONS = {"without_smooth": "smoothness", "without_perc": "perceptual"} | {
    "without_context": "contextual", "without_adv": "adversarial",
}  # fmt: skip


def test_rows_stand_in_the_order_of_the_default(plan):
    default = list(plan().config["methods"])
    overlaid = {"mine": {"method": "grey"}, "fusion": {}}
    config = plan().config | {"methods": overlaid | plan().config["methods"]}
    assert list(type(plan())(config, ROOT).config["methods"]) == [*default, "mine"]


def test_stages_are_told_the_full_name_of_the_classifier(plan):
    assert plan({"classifier": "vgg19"}).config["classifier"] == "vgg19_classifier"
    assert plan(overlays=("paper",)).config["classifier"] == "vgg19_classifier"


@pytest.mark.parametrize(
    ("row", "needs"),
    [
        ("grey", set()),
        ("ground_truth", set()),
        ("copy_first", set()),
        ("welsh2002", {"clip_references", "image_references"}),
        ("nn_match", {"image_references"}),
        ("fusion", {"flow"}),
        ("ours", {"clip_references", "image_references", "checkpoint"}),
        ("ours_aligned", {"clip_references", "image_references", "flow", "checkpoint"}),
        ("ours_shipped_first_frame", {"flow"}),  # the file that a row names is no input
        ("without_perc", {"image_references", "checkpoint"}),
    ],
)
def test_a_row_reads_the_sets_and_what_its_method_asks_for(plan, row, needs):
    assert set(plan().inputs_for(row, "test")) == {"clips", "images"} | needs


def test_a_row_needs_of_a_set_only_what_is_about_its_kind(plan):
    needs = plan().inputs_for("ours_aligned", "long", ("clips",))
    assert needs == {
        "clips": "<results>/clips/long.parquet",
        "flow": "<results>/flow/dis/long.parquet",
        "clip_references": "<results>/references/clips/long.parquet",
        "checkpoint": "<results>/train/ours_aligned/model.safetensors",
    }


def test_a_checkpoint_counts_from_the_snakefile(plan, tmp_path, monkeypatch):
    shipped = "weights/huebench-small.safetensors"
    monkeypatch.chdir(tmp_path)
    assert plan().checkpoints == {shipped: str(ROOT / shipped)}
    assert plan().named_checkpoint("ours_shipped") == {"checkpoint": str(ROOT / shipped)}
    monkeypatch.chdir(ROOT)  # a folder that is moved keeps what lies in it
    assert plan().checkpoint_of("ours_shipped") == shipped
    assert plan().named_checkpoint("ours") == {}


def test_a_named_checkpoint_counts_by_its_content(plan):
    made = plan({"methods": {"gone": {"method": "ours", "checkpoint": "weights/gone.safetensors"}}})
    assert re.fullmatch("checkpoint [0-9a-f]{64}", made.content_of_checkpoint("ours_shipped"))
    assert made.content_of_checkpoint("ours") == ""
    with pytest.raises(ConfigError, match=r"methods\.gone .*weights/gone\.safetensors"):
        made.content_of_checkpoint("gone")


def test_models_are_those_of_trainings_and_those_that_rows_name(plan):
    assert plan().models_of(["ours_shipped", "ours"], ["a"])[1] == "a"


def test_the_file_that_colours_a_row(plan):
    found = plan({"methods": {"program": {"command": "copy {frames} {output}"}}})
    rows = {
        "ground_truth": "contract/precomputed",
        "program": "contract/command",
        "ours_aligned": "ours",
        "grey": "grey",
    }
    assert {row: found.code_of(row) for row in rows} == {row: f"bench/methods/{code}.py" for row, code in rows.items()}


def test_an_option_of_the_method_itself_is_let_through(plan):
    row = {"command": "copy {frames} {output}", "given": {"clips": ["first_frame"]}, "output_size": "any"}
    found = plan({"methods": {"program": row}})
    assert found.rows["program"] == row and found.given_to("program") == {"clips": ("first_frame",)}


@pytest.mark.parametrize(
    ("methods", "named", "nearest"),
    [
        ({"wellsh2002": {}}, "wellsh2002", "welsh2002"),
        ({"mine": {"method": "our"}}, "methods.mine", "ours"),
        ({"ours": {"traning": "ours"}}, "traning", "training"),
        ({"ours": {"chekpoint": "x"}}, "chekpoint", "checkpoint"),
        ({"ours": {"given": {"clips": ["referense"]}}}, "referense", "reference"),
        ({"ours": {"training": "our"}}, "methods.ours.training names 'our'", "ours"),
        ({"fusions+bonneel2015": {}}, "not 'fusions'", "fusion"),
    ],
)
def test_a_mistyped_row_or_option_is_named_with_the_nearest(plan, methods, named, nearest):
    with pytest.raises(ConfigError) as refused:
        plan({"methods": methods})
    message = str(refused.value)
    assert message.startswith("config: ") and named in message and f"did you mean {nearest!r}?" in message.lower()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"methods": {"bonneel2015": {}}}, "methods.bonneel2015 is a post-processor"),
        ({"methods": {"nn_match+bonneel2015": {}, "iizuka2016": {}}}, None),
        ({"methods": {"ours": {"checkpoint": "x"}}}, "methods.ours names both a 'training' and a 'checkpoint'"),
        ({"methods": {"program": {"command": "copy {frames}"}}}, "methods.program: .*{output}"),
        (
            {"methods": {"program": {"command": "x {frames} {refrence} {output}"}}},
            r"methods.program: .*{refrence} stands for nothing; did you mean {reference}\?",
        ),
        ({"methods": {"program": {"command": "x {frames} {output}", "timeout": "1 h"}}}, "program: .*timeout: '1 h'"),
        ({"training": {"ours": {"recolored": ["zhang"]}}}, "training.ours.recolored names 'zhang'"),
        ({"training": {"ours": {"method": "our"}}}, "training.ours.method names 'our'.*did you mean 'ours'"),
        (
            {"training": {"zhang2016": {"method": "zhang2016", "micro_batch": 4}}},
            "training.zhang2016 has the key 'micro_batch', for which the method 'zhang2016' has no use",
        ),
        (
            {"training": {"own": {"method": "lai2018", "losses": {"l1": 0}}}},
            "training.own has the key 'losses', for which the method 'lai2018' has no use",
        ),
        ({"training": {"ours": {"accelerator": "tpu"}}}, 'training.ours.accelerator is "tpu"'),
        ({"flicker_plus": {"method": "lai2081"}}, "flicker_plus.method names 'lai2081'.*did you mean 'lai2018'"),
        ({"flicker_plus": {"method": "lai2018", "training": "lai"}}, "flicker_plus.training names 'lai'"),
        ({"ablations": {"of": "our"}}, "ablations.of names 'our'.*did you mean 'ours'"),
        ({"ablations": {"of": "fusion"}}, "'fusion', which has no 'training'"),
        ({"ablations": {"rows": {"same": {"losses": {"perceptual": 0.1}}}}}, "rows.same.losses is {'perceptual': 0.1}"),
        ({"ablations": {"rows": {"same": {"losses": {"smoothness": 5}}}}}, "ablations.rows.same"),  # the default
        ({"ablations": {"rows": {"fusion": {"losses": {"l1": 0}}}}}, "an entry under 'methods'"),
        ({"ablations": {"rows": {"ours_aligned": {"losses": {"l1": 0}}}}}, "an entry under 'methods'"),
        ({"figures": {"legacy": {"rows": ["ours_shiped"]}}}, "figures.legacy.rows .*did you mean 'ours_shipped'"),
        ({"figures": {"legacy": {"rows": ["ours_first_frame"]}}}, "coloured with a reference, but the row 'ours_first"),
        ({"figures": {"long": {"rows": ["grey"]}}}, "coloured with a reference or first_frame, but the row 'grey'"),
        ({"figures": {"multimodal": {"rows": ["copy_first"]}}}, "figures.multimodal .*'copy_first'"),
    ],
)
def test_what_cannot_be_stops_the_run(plan, change, said):
    if said is None:
        plan(change)
        return
    with pytest.raises(ConfigError, match=said):
        plan(change)


@pytest.mark.parametrize("error", [SyntaxError("wrong"), ImportError("wrong"), NameError("wrong"), TypeError("wrong")])
def test_a_method_that_cannot_be_loaded_is_named_with_its_file(plan, monkeypatch, error):
    def only_new(row, options):
        if row == "mine+new":
            raise error
        return load(row, options)

    monkeypatch.setattr("plan.rows_and_trainings.load", only_new)
    said = rf"config: methods\.mine\+new: bench/methods/new\.py: {type(error).__name__}: wrong"
    with pytest.raises(ConfigError, match=said):
        plan({"methods": {"mine+new": {}}})


@pytest.mark.parametrize("overlays", [(), ("paper",)])
def test_each_ablation_is_the_full_training_with_one_weight_changed(plan, overlays):
    found = plan(overlays=overlays)
    full = found.trainings["ours"]
    for row, loss in ABLATIONS.items():
        assert found.trainings[row] == full | {"losses": full["losses"] | {loss: 0}}, row
        assert found.rows[row] == {"method": "ours", "training": row, "given": {"images": ["reference"]}}
    assert found.table5_rows == [*ABLATIONS, "ours"] == found.table5_trainings
    assert not set(ABLATIONS) & {*found.table1_rows, *found.first_frame_rows, *found.image_rows}


def test_a_row_may_use_the_model_of_an_ablation(plan):
    found = plan({"methods": {"mine": {"method": "ours", "training": "without_perc"}}})
    assert found.checkpoint_of("mine") == "<results>/train/without_perc/model.safetensors"


def test_every_row_there_is(plan):
    found = plan(overlays=["all"])
    methods = found.config["methods"]
    plus = [row for row in methods if row != "ground_truth" and "+" not in row]  # all of these colour clips
    assert found.plus_rows == {f"{row}+lai2018": row for row in plus}
    assert found.table1_rows == [*methods, *found.plus_rows]
    assert found.processed_by("zhang2016+bonneel2015") == found.processed_by("zhang2016+lai2018") == "zhang2016"
    assert found.inputs_for("grey+lai2018", "test")["processed"] == "<results>/colorize/grey.parquet"
    recolored = [f"<results>/recolored/{row}.parquet" for row in ("zhang2016", "iizuka2016")]
    assert found.recolored_for("lai2018") == recolored and found.recolored_for("ours") == []


def test_rows_that_learn_have_one_budget(plan):
    trainings = plan(overlays=["all"]).trainings
    keys = ("steps", "batch", "frame", "crop", "own_reference")
    more = yaml.safe_load((ROOT / "config/all.yaml").read_text())["training"]
    assert {name: [trainings[name][key] for key in keys] for name in more} == {
        name: [trainings["ours"][key] for key in keys] for name in more
    }


def test_the_rows_of_the_figures(plan):
    found = plan()
    learned = ["ours", "ours_aligned", "ours_shipped"]
    assert found.matching_rows == learned
    assert found.image_rows == ["welsh2002", "nn_match", *learned]
    assert found.automatic_rows == ["welsh2002", *learned]
    given_first = [f"{row}_first_frame" for row in learned]
    assert found.first_frame_rows == ["copy_first", "nn_match", "flow_propagation", "fusion", *given_first]
    assert found.multimodal == {"11": 1, "12": 2, "13": 3, "14": 4}
    assert {plan(overlays=["paper"]).shown_rows(figure)[0] for figure in ("multimodal", "legacy", "long")} == {"ours"}


def test_of_the_test_clips_only_those_of_the_figures_are_shown(plan):
    assert plan().shown_flags("test", "2") == "--rank 2 --positions 1 2 3 4"
    assert plan().shown_flags("long", "1") == "--rank 1"


def test_fewer_references_are_fewer_colourings(plan):
    assert len(plan().colorized_by_rank("ours_shipped")) == 5
    fewer = plan({"references": {"count": 2}}).colorized_by_rank("ours")
    assert fewer == ["<results>/colorize/ours.parquet", "<results>/colorize_shown/test/2/ours.parquet"]


def test_checkpoints_are_chosen_on_clips_where_the_configuration_has_them(plan):
    assert plan().validation_clips() == {}
    validation = {"rendered": {"photos": "validation", "count": 3}}
    assert plan({"clips": {"sets": {"validation": validation}}}).validation_clips() == {
        "validation_clips": "<results>/clips/validation.parquet",
        "validation_flow": "<results>/flow/dis/validation.parquet",
    }


def test_wildcards_stand_for_what_there_is(plan):
    wildcards = plan().wildcards
    assert {"grey", "without_perc"} < set(wildcards["row"]) and {"ours", "without_perc"} < set(wildcards["training"])
    assert wildcards["gallery"] == ["gallery", "train"] and wildcards["filmed"] == ["test", "legacy", "long"]


def test_the_shipped_model_is_what_its_configuration_says(plan):
    found = plan(overlays=["shipped"])
    assert found.sets.rendered == ["train", "validation"]
    settings = dict(found.trainings["shipped"])
    assert settings.pop("method") == "ours"
    saved = metadata(ROOT / "weights/huebench-small.safetensors")
    for key, value in TrainSettings(**settings).model.items():
        assert saved.get(key, TrainSettings.model_fields[key].default) == value, key


def test_paper_yaml_holds_the_papers_values(plan):
    """Section 4, and the defaults of TrainSettings say the same."""
    training = yaml.safe_load((ROOT / "config/paper.yaml").read_text())["training"]["ours"]
    del training["method"]
    written = TrainSettings(**training)
    assert written == TrainSettings(
        workers=written.workers,
        threads=written.threads,
        micro_batch=written.micro_batch,
        protocol="release",
        keep="last",
        noise="either",
    )
    assert written.losses == LossWeights(
        perceptual=0.001, contextual=0.2, smoothness=5.0, adversarial=0.2, temporal=0.02, l1=2.0
    )
    assert (written.batch, written.learning_rate, written.crop) == (40, 2e-4, (216, 384))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": {"new": {"method": "grey"}}}, "training.new.method is 'grey', which does not learn"),
        (
            {"methods": {"new": {"precomputed": "x", "command": "y"}}},
            "methods.new has both 'precomputed' and 'command'",
        ),
        ({"clips_of": {"table1": ["davis"]}}, "clips_of.table1 names 'davis', which is not under 'clips.sets.test'"),
        ({"flicker_plus": {"method": "grey"}}, "flicker_plus names 'grey', which is no post-processor"),
        ({"clips": {"sets": {"test": {"from": []}}}}, "clips.sets.test.from is empty"),
        ({"images": {"sets": {"train": {"from": []}}}}, "images.sets.train.from is empty"),
        ({"seed": -1}, "seed: -1 is no seed; expected 0 to"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(plan, change, message):
    with pytest.raises(ConfigError, match=re.escape(f"config: {message}")):
        plan(change)


def test_a_training_says_what_machines_it_runs_on(plan):
    changes = {"training": {"ours": {"processes": 4, "nodes": 2, "threads": 3, "workers": 2, "batch": 8}}}
    assert plan(changes).machines_of("ours") == {"nodes": 2, "processes": 4, "cores": 20}
    assert plan().machines_of("ours") == {"nodes": 1, "processes": 1, "cores": 1}
    assert plan(overlays=("paper",)).machines_of("ours")["cores"] == 16


def test_few_items_of_a_row_are_one_job(plan):
    default = plan()
    for split in ("test", "train"):
        assert default.in_shards(split, several=False) == list(default.rows)
        assert default.in_shards(split, several=True) == []


def test_many_items_of_a_row_are_several(plan):
    """23 test items, of which three are clips, in shards of at most 8 in the mean."""
    divided = plan({"shards": {"rows": 8}})
    assert divided.shards_of_row("grey", "test") == 4 and divided.shards_of_row("fusion", "test") == 1
    assert {*divided.in_shards("test", several=True), *divided.in_shards("test", several=False)} == set(divided.rows)
    assert divided.gathered_for("grey", "colorize", "test") == {
        "shards": [f"<results>/shards/colorize/grey/{shard}.parquet" for shard in range(4)],
        "clips": "<results>/clips/test.parquet",
        "images": "<results>/images/test.parquet",
    }
    assert divided.shard_flags("grey", "3", "test") == "--shard 3 --shards 4"
    assert set(divided.gathered_for("grey", "recolored", "train")) == {"shards", "clips"}


def test_a_set_that_cannot_be_counted_is_said_by_its_own_job(plan):
    lost = plan({"images": {"sets": {"test": {"from": [{"dataset": "nowhere", "files": "*"}]}}}})
    assert lost.shards_of_row("grey", "test") == 1
    with pytest.raises(ConfigError):
        lost.sets.shards_of("images", "test")


def test_rows_with_networks_use_the_device(plan):
    default = plan()
    using = {row for row in default.rows if default.uses_device(row)}
    assert {"nn_match", "fusion", "ours", "ours_aligned"} <= using
    assert not {"grey", "copy_first", "welsh2002", "flow_propagation", "ground_truth"} & using
