"""The workflow before anything runs: what jobs it plans. What they are planned from is tested in tests/plan."""

import json
import re
import shlex

import pytest
import yaml
from tiny_world import ABLATIONS, ROOT, planned, snakemake


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
    assert jobs["figure3"] == jobs["figure15"] == jobs["figure16"] == jobs["seconds"] == 1


def test_the_papers_run_is_the_same_pipeline(tmp_path):
    targets = ("results/table1.csv", "results/figure7.csv")
    done = snakemake("-n", *targets, directory=tmp_path, config=ROOT / "config/paper.yaml")
    assert done.returncode == 0, done.stdout
    paper = planned(done.stdout)
    default = planned(snakemake("-n", *targets, directory=tmp_path).stdout)
    # It has more photographs than one job finds references for, or colours and scores.
    sharded = {"references_shard", "colorize_shard", "gather_colorized", "score_shard", "gather_scores"}
    # Its training clips are filmed, and a post-processor learns on what rows make of them.
    assert set(paper) == set(default) - {"renderings"} | sharded | {"recolor"}
    # 1,052 + 1,707 clips in shards of 50 at most in the mean, 146 to score; 1.28 million images in shards of 20,000.
    assert paper["clips"] == paper["flow"] == 64 + 4
    assert (paper["images"], paper["gallery"]) == (64 + 8 + 1, 128)
    assert paper["total"] < 550
    # What it lacks is said at the end, where it is seen.
    said = done.stdout.partition("warning: this run would not start.")[2]
    assert "vgg19_conv.pth" in said and "videvo-test (116 files)" in said
    # Neither waits for an ablation.
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert (default["train"], default["colorize"]) == (len(config["training"]), len(config["methods"]))


def test_a_run_stops_before_its_first_job_where_something_is_missing(tmp_path):
    done = snakemake(
        "--", "results/references/clips/test.parquet", directory=tmp_path, config=ROOT / "config/paper.yaml"
    )
    assert done.returncode == 1 and "Traceback" not in done.stdout
    assert "missing   vgg19_conv.pth (80 MB)" in done.stdout and "missing   videvo-test" in done.stdout
    assert "pt_inception" not in done.stdout  # only scores need it
    assert not (tmp_path / "results").exists()


def test_table5_trains_each_ablation_with_one_weight_of_the_full_training_changed(tmp_path):
    done = snakemake("-n", "results/table5.csv", "--printshellcmds", directory=tmp_path)
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


@pytest.fixture
def plan(tmp_path):
    """Plans the default with some keys changed; what Snakemake said."""

    def run(change, *arguments):
        (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(change))
        return snakemake("-n", "--printshellcmds", *arguments, directory=tmp_path, config=tmp_path / "overlay.yaml")

    return run


def settings_in(line: str) -> dict:
    """What the command of a training is given as --settings."""
    words = shlex.split(line)
    return json.loads(words[words.index("--settings") + 1])


def test_the_shipped_model_can_be_made_again(tmp_path):
    target = "results/train/shipped/model.safetensors"
    done = snakemake("-n", target, directory=tmp_path, config=ROOT / "config/shipped.yaml")
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    assert {rule: jobs[rule] for rule in ("renderings", "flow", "train")} == {"renderings": 2, "flow": 9, "train": 1}
    assert "sources" in jobs and "clips" not in jobs  # photographs, and nothing filmed


def test_validation_clips_are_made_where_the_configuration_has_them(plan):
    validation = {"rendered": {"photos": "validation", "count": 3}}
    done = plan({"clips": {"sets": {"validation": validation}}}, "results/train/ours/model.safetensors")
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    assert (jobs["renderings"], jobs["flow"]) == (2, 2)  # of the training's and of these
    assert "--validation-clips results/clips/validation.parquet" in done.stdout


def test_a_checkpoint_that_is_not_there_stops_the_run(plan):
    done = plan({"methods": {"mine": {"method": "ours", "checkpoint": "weights/gone.safetensors"}}})
    assert done.returncode != 0 and "weights/gone.safetensors" in done.stdout
    assert "Traceback" not in done.stdout and "Exception" not in done.stdout


def test_a_dataset_that_is_not_there_stops_the_run(plan):
    done = plan({"images": {"sets": {"test": {"from": [{"dataset": "nowhere", "files": "*"}]}}}})
    assert done.returncode != 0 and "images.sets.test: unknown dataset 'nowhere'" in done.stdout
    assert "Traceback" not in done.stdout and "Exception" not in done.stdout


def test_the_dry_runs_in_the_readme_work():
    lines = [line.split("#")[0] for line in (ROOT / "README.md").read_text().splitlines()]
    dry_runs = [line.split()[1:] for line in lines if line.startswith("snakemake -n")]
    assert len(dry_runs) == 2
    for arguments in dry_runs:
        done = snakemake(*arguments, directory=ROOT)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("change", "target", "said"),
    [
        ({"trainning": {}}, "all", "'trainning' at the top level is not known; did you mean 'training'?"),
        ({}, "results/tabel1.csv", "nothing makes 'results/tabel1.csv'; did you mean 'results/table1.csv'?"),
    ],
)
def test_what_is_mistyped_stops_the_run_with_one_message(plan, change, target, said):
    done = plan(change, target)
    assert done.returncode != 0
    (message,) = [line for line in done.stdout.splitlines() if said in line]
    assert message == done.stdout.splitlines()[-1] and "  File " not in done.stdout
