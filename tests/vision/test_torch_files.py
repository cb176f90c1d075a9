"""PyTorch's files: tensors only, whatever Python wrote them."""

import io
import pickletools
from pathlib import Path
from struct import pack

import pytest
import torch

from vision.state_dicts import read_state
from vision.weights import MisfitWeights


class Opener:
    """Unpickling one of these would open a file."""

    def __reduce__(self):
        return open, ("/nowhere/unpickled", "w")


def as_python_2_wrote(content: bytes) -> bytes:
    """A file of torch.save's old format whose strings are Python 2's: bytes, here in latin-1."""
    stream, written = io.BytesIO(content), b""
    for _ in range(5):  # magic number, protocol, system, the objects, the keys of the storages that follow
        start = stream.tell()
        for operation, argument, _ in pickletools.genops(stream):
            code = content[start : stream.tell()]
            if operation.name == "BINUNICODE":
                text = argument.encode("latin-1")
                code = b"U" + pack("B", len(text)) + text
            written, start = written + code, stream.tell()
    return written + content[stream.tell() :]


def test_a_state_dict_from_dataparallel_loses_its_prefix(tmp_path):
    torch.save({"module.conv.weight": torch.ones(2)}, tmp_path / "a.pth")
    assert read_state(tmp_path / "a.pth")["conv.weight"].tolist() == [1, 1]


def test_python_2_files_are_read(tmp_path):
    path = tmp_path / "a.pth"
    state = {"model": {"conv.weight": torch.arange(6.0).reshape(2, 3)}, "made by": "José", "epoch": 3}
    torch.save(state, path, _use_new_zipfile_serialization=False)
    path.write_bytes(as_python_2_wrote(path.read_bytes()))
    assert read_state(path, entry="model")["conv.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_nothing_in_a_file_is_run(tmp_path):
    torch.save({"conv.weight": torch.ones(2), "options": Opener()}, tmp_path / "a.pth")
    with pytest.raises(MisfitWeights, match=r"a.pth: no PyTorch file of plain tensors"):
        read_state(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("content", "entry", "expected"),
    [
        ({"model": {}, "optimizer": {}}, "state_dict", "expected the entry 'state_dict', found the entries model, opt"),
        ({"model": {"a": torch.ones(1)}}, "", "expected tensors by name, found the entries model"),
        (torch.ones(2), "", "expected tensors by name, it holds a Tensor"),
    ],
)
def test_other_contents_are_refused(tmp_path, content, entry, expected):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(MisfitWeights, match=expected):
        read_state(tmp_path / "a.pth", entry)


@pytest.mark.parametrize("new", [True, False])
def test_a_cut_file_is_refused(tmp_path, new):
    path: Path = tmp_path / "a.pth"
    torch.save({"conv.weight": torch.ones(1000)}, path, _use_new_zipfile_serialization=new)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(MisfitWeights, match=r"a.pth: .*breaks off"):
        read_state(path)
