"""What jobs ask of the machine: enough for what they were measured to take, more for more work, and a GPU to use it."""

import logging
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import ResourceList

from plan.asking import LONGEST, Asking, processes_of
from plan.memory import Memory
from plan.reading import ROOT

# The most memory that jobs of the default configuration took (MB of `max_rss`), and the dear ones.
TOOK = [
    ("sources", {"kind": "images", "split": "gallery"}, 133),
    ("clips", {"filmed": "test", "shard": "0"}, 393),
    ("images", {"split": "train", "shard": "0"}, 224),
    ("gather", {"kind": "images", "split": "train"}, 197),
    ("renderings", {"rendered": "train"}, 238),
    ("flow", {"estimator": "dis", "split": "train", "shard": "0"}, 211),
    ("flow", {"estimator": "ptlflow:flownet2", "split": "train", "shard": "0"}, 4100),
    ("gather_flow", {"estimator": "dis", "split": "train"}, 182),
    ("gallery", {"gallery": "gallery", "shard": "0"}, 923),
    ("references", {"kind": "clips", "split": "test"}, 804),
    ("train", {"training": "ours"}, 1783),
    ("train", {"training": "ours_aligned"}, 1236),
    ("colorize", {"row": "grey"}, 202),
    ("colorize", {"row": "fusion"}, 766),
    ("colorize", {"row": "ours_aligned"}, 981),
    ("truth", {}, 743),
    ("score", {"row": "ours"}, 787),
    ("table1", {}, 959),
    ("figure4", {}, 1311),
    ("report", {}, 301),
]


@pytest.fixture
def asking(plan):
    """What the jobs of a change to the default, or of overlays, ask for."""
    return lambda *change, **overlays: Asking(plan(*change, **overlays))


@pytest.mark.parametrize("rule, wildcards, took", TOOK)
def test_every_job_asks_for_the_memory_that_it_takes(asking, rule, wildcards, took):
    asked = asking({"training": {"ours": {"accelerator": "cpu"}}}).megabytes(rule, wildcards)
    assert 1.25 * took + 400 <= asked <= 1.25 * (took + 500) + 1500  # two Snakemakes beside it on a cluster


def test_a_training_asks_by_its_batch_and_its_width(asking):
    full = {"accelerator": "cpu", "width": 1, "frame": [216, 384], "crop": [216, 384], "batch": 2}
    job = {"training": "ours"}
    assert asking({"training": {"ours": full}}).megabytes("train", job) > 8800  # measured
    many = asking({"training": {"ours": full | {"batch": 8}}})
    assert many.megabytes("train", job) > 3 * 8800
    assert many.minutes("train", job) > 3 * asking({"training": {"ours": full}}).minutes("train", job)
    on_gpu = asking({"training": {"ours": full | {"batch": 40, "accelerator": "gpu"}}})
    assert on_gpu.megabytes("train", job) < 16000  # of this machine; the rest is the GPU's


def test_each_attempt_asks_for_more_memory_and_time(asking):
    resources = asking().of("train")
    job = {"training": "ours"}
    for name in ("mem_mb", "runtime"):
        first, second, third = (resources[name](job, attempt) for attempt in (1, 2, 3))
        assert second == 2 * first and third == 3 * first
    assert resources["gpu"](job) == 0


def test_a_rule_made_of_another_asks_for_itself(asking):
    asked = asking().of("colorize")["runtime"]
    shown = asked({"row": "ours", "split": "long", "rank": "1"}, 1, rulename="colorize_shown")
    assert shown > asked({"row": "grey"}, 1)


def test_smaller_shards_ask_for_less_time(asking, plan):
    job = {"gallery": "gallery", "shard": "0"}
    whole, parts = (asking({"shards": {"gallery": size}}, overlays=("paper",)) for size in (2_000_000, 20_000))
    assert whole.minutes("gallery", job) > 10 * parts.minutes("gallery", job)


def test_a_gpu_is_asked_for_where_a_job_uses_one(asking):
    flow = {"split": "train", "shard": "0"}
    here, there = asking(), asking({"device": "cuda"})
    jobs = {
        ("flow", "raft"): flow | {"estimator": "raft"},
        ("gallery", ""): {"gallery": "gallery", "shard": "0"},
        ("references", ""): {"kind": "clips", "split": "test"},
        ("score", "ours"): {"row": "ours"},
        ("train", ""): {"training": "ours"},
    }
    for (rule, _), wildcards in jobs.items():
        assert (here.gpus(rule, wildcards), there.gpus(rule, wildcards)) == (0, 1), rule
        assert there.minutes(rule, wildcards) <= here.minutes(rule, wildcards)
    without = [("flow", flow | {"estimator": "dis"}), ("score", {"row": "copy_first"}), ("table1", {})]
    assert [there.gpus(rule, wildcards) for rule, wildcards in without] == [0, 0, 0]


@pytest.mark.parametrize("accelerator, device, gpus", [("gpu", "cpu", 1), ("cpu", "cuda", 0), ("auto", "auto", 1)])
def test_a_training_asks_by_its_accelerator(asking, accelerator, device, gpus):
    asked = asking({"device": device, "training": {"ours": {"accelerator": accelerator}}})
    assert asked.gpus("train", {"training": "ours"}) == gpus


def test_a_training_on_several_gpus_asks_for_all_of_them():
    assert processes_of({}) == 1 and processes_of({"processes": 4, "nodes": 2}) == 8


def test_a_shard_of_a_row_asks_as_the_row(asking):
    asked, job = asking({"device": "cuda"}), {"row": "ours", "shard": "0"}
    for rule in ("colorize", "score"):
        assert asked.megabytes(f"{rule}_shard", job) == asked.megabytes(rule, job)
        assert asked.gpus(f"{rule}_shard", job) == asked.gpus(rule, job)


def test_a_row_asks_for_a_gpu_if_its_method_uses_one(asking, monkeypatch):
    asked = asking({"device": "auto"})
    for uses in (False, True):
        monkeypatch.setattr(asked.plan, "uses_device", lambda row, uses=uses: uses)
        assert asked.gpus("colorize", {"row": "ours"}) == uses


def test_rows_of_other_peoples_code_ask_for_much(plan):
    asked = Asking(plan({"methods": {"theirs": {"command": "true {frames} {output}"}}}))
    known = Memory(asked.plan, asked.estimate).of("colorize", {"row": "ours"})
    assert asked.memory.of("colorize", {"row": "theirs"}) > 2 * known


def test_the_papers_training_asks_for_a_gpu_and_hours(asking):
    asked = asking(overlays=("paper",))
    job = {"training": "ours"}
    assert asked.gpus("train", job) == 1 and 16 * 60 < asked.minutes("train", job) < 48 * 60


def as_planned(asked, training: str, attempt: int = 1) -> SimpleNamespace:
    """A job of a training as SLURM's executor sees it."""
    job, timed = {"training": training}, ("mem_mb", "runtime")
    own = {name: of(job, attempt) if name in timed else of(job) for name, of in asked.of("train").items()}
    own = ResourceList(fromdict={name: value for name, value in own.items() if value is not None})
    return SimpleNamespace(name="train", resources=own, threads=asked.plan.machines_of(training)["cores"])


def submitted(asked, training: str) -> str:
    """What SLURM's executor submits it with."""
    submit = pytest.importorskip("snakemake_executor_plugin_slurm.submit_string").get_submit_command
    gpus = pytest.importorskip("snakemake_executor_plugin_slurm.utils").set_gres_string
    params = dict.fromkeys(("run_uuid", "slurm_logfile", "comment_str", "account", "partition", "workdir"), "")
    return submit(as_planned(asked, training), params) + gpus(as_planned(asked, training))


@pytest.mark.parametrize(
    "accelerator, nodes, said, unsaid",
    [
        ("cpu", 2, ["--nodes=2", "--ntasks=2", "--cpus-per-task=10"], ["--gpus", "--gres"]),
        ("gpu", 2, ["--nodes=2", "--gres=gpu:5", "--cpus-per-task=10"], ["--gpus", "--ntasks"]),
        ("cpu", 1, ["--ntasks=1", "--cpus-per-task=10"], ["--nodes", "--gpus", "--gres"]),
        ("gpu", 1, ["--gpus=5", "--cpus-per-task=10"], ["--nodes", "--gres", "--ntasks"]),
    ],
)
def test_a_training_on_several_nodes_asks_slurm_for_them(asking, accelerator, nodes, said, unsaid):
    own = {"accelerator": accelerator, "nodes": nodes, "processes": 5, "batch": 10, "threads": 1, "workers": 1}
    words = submitted(asking({"training": {"ours": own}}), "ours").split()
    assert set(said) <= set(words)
    assert not [word for word in words if word.startswith(tuple(unsaid))]


def test_each_attempt_of_a_training_of_the_paper_fits_the_partition_with_gpus(asking):
    partitions = pytest.importorskip("snakemake_executor_plugin_slurm.partitions")
    known = partitions.read_partition_file(ROOT / "profiles/slurm/partitions.yaml")
    asked = asking(overlays=("paper",))
    jobs = [as_planned(asked, training, attempt) for training in asked.plan.trainings for attempt in (1, 3)]
    jobs.append(as_planned(asking({"training": {"ours": {"nodes": 2, "accelerator": "gpu"}}}), "ours"))
    assert {partitions.get_best_partition(known, job, logging.getLogger()) for job in jobs} == {"gpu"}


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_no_job_of_the_paper_asks_for_more_than_a_day_at_any_attempt(asking, device):
    asked = asking({"device": device}, overlays=("paper",))
    assert {asked.minutes("train", {"training": "ours"}, attempt) for attempt in (1, 2, 3)} == {LONGEST}
    rows = [{"row": row} for row in asked.plan.rows]
    assert all(asked.minutes(rule, row, 3) <= LONGEST for rule in ("colorize", "score") for row in rows)


def test_a_row_without_photographs_asks_for_no_time_for_them(asking):
    asked = asking({"device": "cpu"}, overlays=("paper",))
    kinds = {row: set(asked.plan.given_to(row)) for row in asked.plan.rows}
    clips, both = ([row for row, own in kinds.items() if own == wanted] for wanted in ({"clips"}, {"clips", "images"}))
    slowest = max(asked.minutes("score", {"row": row}) for row in clips)
    assert clips and 2 * slowest < min(asked.minutes("score", {"row": row}) for row in both)
