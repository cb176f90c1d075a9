"""The workflow before anything runs: what it plans, and what it refuses."""

import json
import re
import shlex

import pytest
import yaml
from tiny_world import ABLATIONS, ROOT, planned, snakemake

from colorize.checkpoint import metadata
from colorize.training.settings import LossWeights, TrainSettings


def test_the_default_plans_one_job_a_stage_and_row(tmp_path):
    done = snakemake("-n", directory=tmp_path)
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    ablations = config["ablations"]["rows"]
    assert jobs["colorize"] == jobs["score"] == len(config["methods"]) + len(ablations)
    assert jobs["truth"] == 1
    assert jobs["train"] == len(config["training"]) + len(ablations) == 2 + 4
    assert jobs["table1"] == jobs["table5"] == jobs["propagation"] == jobs["figure7"] == 1
    # Each set is small enough for one shard; the gallery is searched, not prepared.
    assert jobs["clips"] == 3 and jobs["renderings"] == 1 and jobs["images"] == 3 and jobs["gallery"] == 2
    assert jobs["sources"] == 7 and jobs["gather"] == 6
    # Ranks 2 to 5 of the references, the legacy clips, the long ones.
    assert jobs["colorize_shown"] == 4 + 1 + 1 and jobs["figure11_to_14"] == 4
    assert jobs["figure15"] == jobs["figure16"] == 1


def test_the_papers_run_is_the_same_pipeline(tmp_path):
    targets = ("results/table1.csv", "results/figure7.csv")
    done = snakemake("-n", *targets, directory=tmp_path, config=ROOT / "config/paper.yaml")
    assert done.returncode == 0, done.stdout
    paper = planned(done.stdout)
    default = planned(snakemake("-n", *targets, directory=tmp_path).stdout)
    assert set(paper) == set(default) - {"renderings"}  # its training clips are filmed
    # 1,052 + 1,707 clips in shards of 50 at most in the mean, 146 to score; 1.28 million images in shards of 20,000.
    assert paper["clips"] == paper["flow"] == 64 + 4
    assert (paper["images"], paper["gallery"]) == (64 + 8 + 1, 128)
    assert paper["total"] < 500


@pytest.mark.parametrize("overlay", [None, ROOT / "config/paper.yaml"])
def test_table5_trains_each_ablation_with_one_weight_of_the_full_training_changed(tmp_path, overlay):
    done = snakemake("-n", "results/table5.csv", "--printshellcmds", directory=tmp_path, config=overlay)
    assert done.returncode == 0, done.stdout
    assert planned(done.stdout)["train"] == planned(done.stdout)["colorize"] == 5
    lines = [line for line in done.stdout.splitlines() if "bench.run.train" in line]
    settings = {re.search(r"results/train/(\w+)/", line)[1]: settings_in(line) for line in lines}
    full = settings.pop("ours")
    for row, loss in ABLATIONS.items():
        assert settings.pop(row) == full | {"losses": full["losses"] | {loss: 0}}, row
    assert not settings


def test_every_row_there_is_can_be_planned(tmp_path):
    done = snakemake("-n", "results/table1.csv", directory=tmp_path, config=ROOT / "config/all.yaml")
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    more = yaml.safe_load((ROOT / "config/all.yaml").read_text())
    rows = {**config["methods"], **more["methods"]}
    plus = [row for row in rows if row != "ground_truth" and "+" not in row]  # all of these colour clips
    assert jobs["colorize"] == jobs["score"] == len(rows) + len(plus)
    assert jobs["recolor"] == len(more["training"]["lai2018"]["recolored"])
    assert jobs["train"] == len(config["training"]) + len(more["training"])


def test_rows_that_learn_have_one_budget():
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())["training"]["ours"]
    more = yaml.safe_load((ROOT / "config/all.yaml").read_text())["training"]
    keys = ("steps", "batch", "frame", "crop", "own_reference")
    assert {name: [own[key] for key in keys] for name, own in more.items()} == {
        name: [default[key] for key in keys] for name in more
    }


@pytest.mark.parametrize(
    "change, said",
    [
        ({"methods": {"fusions+bonneel2015": {}}}, "not 'fusions'; did you mean 'fusion'"),
        ({"methods": {"bonneel2015": {}}}, "methods.bonneel2015 is a post-processor"),
        ({"training": {"ours": {"recolored": ["zhang"]}}}, "recolored has the row 'zhang'"),
    ],
)
def test_a_post_processor_without_its_row_is_refused(plan, change, said):
    done = plan(change)
    assert done.returncode != 0 and said in done.stdout


def settings_in(line: str) -> dict:
    """What the command of a training is given as --settings."""
    words = shlex.split(line)
    return json.loads(words[words.index("--settings") + 1])


def test_table1_waits_for_no_ablation(tmp_path):
    jobs = planned(snakemake("-n", "results/table1.csv", directory=tmp_path).stdout)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert (jobs["train"], jobs["colorize"]) == (len(config["training"]), len(config["methods"]))


@pytest.mark.parametrize(
    ("ablations", "said"),
    [
        ({"rows": {"without_l1": {"losses": {"l2": 0}}}}, "the key 'l2' in 'ablations.rows.without_l1.losses' is not"),
        ({"rows": {"same": {"losses": {"perceptual": 0.1}}}}, 'rows.same gives {"perceptual": 0.1}, which is what'),
        ({"rows": {"same": {"losses": {"smoothness": 5}}}}, "ablations.rows.same gives"),  # the default of a training
        ({"rows": {"fusion": {"losses": {"l1": 0}}}}, "ablations.rows.fusion has the name of an entry under 'methods'"),
        ({"of": "our"}, "the row 'our', which is not under 'methods'; did you mean 'ours'"),
        ({"of": "fusion"}, "the row 'fusion', which has no 'training'"),
    ],
)
def test_an_ablation_that_cannot_be_stops_the_run(plan, ablations, said):
    done = plan({"ablations": ablations})
    assert done.returncode != 0 and said in done.stdout


def test_jobs_grow_with_shards_and_not_with_clips(plan, tmp_path):
    folder = tmp_path / "many films"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number} é.mp4").touch()
    registry = tmp_path / "datasets.tsv"
    registry.write_text((ROOT / "config/datasets.tsv").read_text() + f"many\tvideos\t{folder}\t\t\t\t\t\t\n")
    sets = {"train": {"rendered": None, "from": [{"dataset": "many", "files": "*"}]}}
    jobs = [
        planned(plan({"datasets": str(registry), "clips": {"sets": sets}, "shards": {"clips": size}}).stdout)
        for size in (100, 25)
    ]
    assert [count["flow"] for count in jobs] == [2 + 2 + 2, 2 + 2 + 8]  # two estimators score, two sets are shown


def test_a_dataset_that_is_not_there_is_named(plan):
    sets = {"train": {"rendered": None, "from": [{"dataset": "videvo", "files": "*"}]}}
    done = plan({"clips": {"sets": sets}})
    assert done.returncode != 0 and "unknown dataset 'videvo'; did you mean 'videvo-t" in done.stdout


def test_the_shipped_model_can_be_made_again(tmp_path):
    target = "results/train/shipped/model.safetensors"
    done = snakemake("-n", target, directory=tmp_path, config=ROOT / "config/shipped.yaml")
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    assert {rule: jobs[rule] for rule in ("renderings", "flow", "train")} == {"renderings": 2, "flow": 9, "train": 1}
    assert "sources" in jobs and "clips" not in jobs  # photographs, and nothing filmed
    settings = yaml.safe_load((ROOT / "config/shipped.yaml").read_text())["training"]["shipped"]
    assert settings.pop("method") == "ours"
    saved = metadata(ROOT / "weights/huebench-small.safetensors")
    for key, value in TrainSettings(**settings).model.items():
        assert saved.get(key, TrainSettings.model_fields[key].default) == value, key


@pytest.fixture
def plan(tmp_path):
    """Plans the default with some keys changed; what Snakemake said."""

    def run(change, *arguments):
        (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(change))
        return snakemake("-n", *arguments, directory=tmp_path, config=tmp_path / "overlay.yaml")

    return run


def test_validation_clips_are_made_where_the_configuration_has_them(plan):
    target = "results/train/ours/model.safetensors"
    without = planned(plan({}, target).stdout)
    validation = {"rendered": {"photos": "validation", "count": 3}}
    done = plan({"clips": {"sets": {"validation": validation}}}, target, "--printshellcmds")
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    assert jobs["renderings"] == without["renderings"] + 1 and jobs["flow"] == without["flow"] + 1
    assert "--validation-clips results/clips/validation.parquet" in done.stdout


@pytest.mark.parametrize("items", [{}, {"rendered": None}])
def test_a_set_that_is_neither_filmed_nor_rendered_is_refused(plan, items):
    done = plan({"clips": {"sets": {"validation": items}}})
    assert done.returncode != 0 and "validation" in done.stdout


def test_a_checkpoint_that_is_not_there_stops_the_run(plan):
    done = plan({"methods": {"mine": {"method": "ours", "checkpoint": "weights/gone.safetensors"}}})
    assert done.returncode != 0 and "weights/gone.safetensors" in done.stdout


def test_a_row_has_a_training_or_a_checkpoint(plan):
    done = plan({"methods": {"ours": {"checkpoint": "weights/huebench-small.safetensors"}}})
    assert done.returncode != 0 and "methods.ours names both a 'training' and a 'checkpoint'" in done.stdout


def test_the_dry_runs_in_the_readme_work():
    lines = [line.split("#")[0] for line in (ROOT / "README.md").read_text().splitlines()]
    dry_runs = [line.split()[1:] for line in lines if line.startswith("snakemake -n")]
    assert len(dry_runs) == 2
    for arguments in dry_runs:
        done = snakemake(*arguments, directory=ROOT)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "change, named, nearest",
    [
        ({"trainning": {}}, "trainning", "training"),
        ({"clips": {"lenght": 9}}, "lenght", "length"),
        ({"shards": {"clip": 9}}, "clip", "clips"),
        ({"filter": {"duplicate": "off"}}, "duplicate", "duplicates"),
        ({"training": {"ours": {"stepps": 5}}}, "stepps", "steps"),
        ({"training": {"ours": {"losses": {"smoothnes": 1}}}}, "smoothnes", "smoothness"),
        ({"methods": {"wellsh2002": {}}}, "wellsh2002", "welsh2002"),
        ({"clips": {"sets": {"train": {"rendered": {"photo": "train"}}}}}, "photo", "photos"),
        ({"training": {"ours": {"histori": "aligned"}}}, "histori", "history"),
        ({"clips": {"sets": {"legacy": {"per_sorce": 1}}}}, "per_sorce", "per_source"),
        ({"figures": {"long": {"row": []}}}, "row", "rows"),
        ({"methods": {"ours": {"traning": "ours"}}}, "traning", "training"),
        ({"methods": {"ours": {"chekpoint": "x"}}}, "chekpoint", "checkpoint"),
        ({"methods": {"ours": {"training": "our"}}}, "our", "ours"),
    ],
)
def test_a_mistyped_key_stops_the_run_and_names_the_nearest(tmp_path, change, named, nearest):
    overlay = tmp_path / "typo.yaml"
    overlay.write_text(yaml.safe_dump(change))
    done = snakemake("-n", directory=tmp_path, config=overlay)
    assert done.returncode != 0
    assert named in done.stdout and f"did you mean '{nearest}'" in done.stdout


def test_an_option_of_the_method_itself_is_let_through(tmp_path):
    overlay = tmp_path / "rows.yaml"
    line = "copy {frames} {output}"
    overlay.write_text(yaml.safe_dump({"methods": {"program": {"command": line, "given": {"clips": ["first_frame"]}}}}))
    done = snakemake("-n", directory=tmp_path, config=overlay)
    assert done.returncode == 0, done.stdout
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert planned(done.stdout)["colorize"] == len(default["methods"]) + len(default["ablations"]["rows"]) + 1


def test_a_wrong_value_stops_the_run(tmp_path):
    done = snakemake("-n", "--config", "flow=diss", directory=tmp_path)
    assert done.returncode != 0 and "diss" in done.stdout


def test_the_schema_knows_the_keys_of_a_training():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    training = schema["properties"]["training"]["additionalProperties"]["properties"]
    assert set(training) == {*TrainSettings.model_fields, "method", "recolored"}
    assert set(training["losses"]["properties"]) == set(LossWeights.model_fields)


def test_paper_yaml_holds_the_papers_values():
    """Section 4, and the defaults of TrainSettings say the same."""
    training = yaml.safe_load((ROOT / "config/paper.yaml").read_text())["training"]["ours"]
    del training["method"]
    written = TrainSettings(**training)
    assert written == TrainSettings(workers=written.workers, threads=written.threads, protocol="release")
    assert written.losses.model_dump() == {
        "perceptual": 0.001, "contextual": 0.2, "smoothness": 5.0, "adversarial": 0.2, "temporal": 0.02, "l1": 2.0,
    }  # fmt: skip
    assert (written.batch, written.learning_rate, written.crop) == (40, 2e-4, (216, 384))
