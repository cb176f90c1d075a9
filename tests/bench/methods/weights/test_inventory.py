"""`python -m bench weights`: what is shown, what is fetched, and how it ends."""

import pytest
from loopback import status

from bench import __main__ as bench
from bench.methods.weights.inventory import files_called
from bench.methods.weights.published import ALTERNATIVES, FILES
from vision.weights import FLOWNET2_NVIDIA, RELEASE_FILES, VGG19_FEATURES


@pytest.fixture
def weights(tmp_path, site):
    """Runs the command on an own folder, with the server as mirror; gives how it ended, None or what it says."""

    def run(*arguments, mirror=True):
        given = [*map(str, arguments), *(["--mirror", site.address] if mirror else [])]
        try:
            return bench.main(["weights", "--weights", str(tmp_path / "external"), *given])
        except SystemExit as end:
            return end.code

    return run


def test_nothing_is_fetched_unless_asked_for(weights, site, tmp_path, capsys):
    assert weights() is None and not site.asked and not (tmp_path / "external").exists()
    said = capsys.readouterr().out
    assert "--fetch NAME" in said and "by hand  open the address in a browser" in said


def test_a_named_row_is_fetched_and_said(weights, site, tmp_path, capsys):
    site.files["/ECCV18_blind_consistency.pth"] = b"weights"
    assert weights("--fetch", "lai2018") is None
    assert (tmp_path / "external/ECCV18_blind_consistency.pth").read_bytes() == b"weights"
    said = capsys.readouterr().out
    assert said.index("licence: MIT") < said.index("present, sha256")


def test_one_that_fails_stops_no_other_and_ends_in_an_error(weights, site, tmp_path, capsys):
    site.files |= {"/ECCV18_blind_consistency.pth": b"weights", "/siggraph17-df00044c.pth": b"not the published one"}
    end = weights("--fetch", "zhang2017", "lai2018", "he2018")
    assert end == "error: still missing: siggraph17-df00044c.pth, example_net.pth; what to do stands above"
    assert [path.name for path in (tmp_path / "external").iterdir()] == ["ECCV18_blind_consistency.pth"]
    said = capsys.readouterr().out
    assert "published is df00044c" in said and "says 404" in said


def test_what_a_person_has_to_get_is_an_error_only_where_it_was_named(weights, tmp_path, capsys, monkeypatch):
    assert "example_net.pth" in weights("--fetch", "he2018", mirror=False)
    assert "dropbox.com" in capsys.readouterr().out
    monkeypatch.setattr("bench.methods.weights.inventory.files_called", lambda *_: [FLOWNET2_NVIDIA])
    assert weights("--fetch", mirror=False) is None
    assert "Google" not in capsys.readouterr().err


def test_without_a_name_one_of_alternatives_is_enough(tmp_path):
    files = files_called((), tmp_path)
    assert all(sum(file in files for file in group) == 1 for group in ALTERNATIVES)
    spare = ALTERNATIVES[0][1]
    (tmp_path / spare.name).touch()
    assert not set(ALTERNATIVES[0]) & set(files_called((), tmp_path))
    assert set(RELEASE_FILES) <= set(files)


def test_names_are_of_files_rows_and_choices(tmp_path):
    assert files_called(("release", "vgg19", "vgg19_conv.pth"), tmp_path) == list(RELEASE_FILES)
    assert files_called(("vgg19",), tmp_path) == [VGG19_FEATURES]
    assert files_called(("ptlflow:flownet2",), tmp_path)[0].name == "flownet2-things-d63b53a7.ckpt"


def test_an_unknown_name_ends_with_the_nearest(weights, site):
    assert "did you mean zhang2016?" in weights("--fetch", "zang2016")
    assert not site.asked


def test_a_server_that_is_down_is_a_sentence(weights, site):
    site.first["/siggraph17-df00044c.pth"] = [status(503)] * 9
    assert "still missing: siggraph17" in weights("--fetch", "zhang2017")


def test_every_file_has_an_address_or_says_what_to_do():
    for file in FILES:
        assert (file.address.startswith("http") and " " not in file.address) or file.by_hand or file.package, file.name
        assert not ("dropbox" in file.address or "drive.google" in file.address)
