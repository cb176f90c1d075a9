"""Broken and hostile weight files: each is refused by a MisfitWeights with its name, before memory is taken."""

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vision.state_dicts import built, fill, read_safetensors, read_state
from vision.weights import MisfitWeights

TOO_MANY = 10**12


class Numbers:
    """A storage that a pickle says to have so many floats."""

    def __init__(self, count: int):
        self.count = count


class Saved:
    """A tensor as torch.save writes it: a call with a storage, an offset, a shape and strides."""

    def __init__(self, count: int, shape: tuple, strides: tuple):
        self.arguments = (Numbers(count), 0, shape, strides, False, {})

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.arguments


class Call:
    """A call that takes memory by itself."""

    def __init__(self, function, *arguments):
        self.called = (function, arguments)

    def __reduce__(self):
        return self.called


class Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        return ("storage", torch.FloatStorage, "0", "cpu", thing.count) if isinstance(thing, Numbers) else None


def pickled(content) -> bytes:
    stream = io.BytesIO()
    Pickler(stream, 2).dump(content)
    return stream.getvalue()


def zipped(path, content: bytes, numbers=bytes(4), compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, part in {"data.pkl": content, "version": b"3\n", "byteorder": b"little", "data/0": numbers}.items():
            archive.writestr(f"archive/{name}", part)
    return path


def before_zip(path, content: bytes, numbers: bytes):
    head = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    path.write_bytes(b"".join(head) + content + pickle.dumps(["0"], 2) + numbers)
    return path


HOSTILE = {
    "more numbers than there are": lambda p: zipped(p, pickled({"w": Saved(TOO_MANY, (TOO_MANY,), (1,))})),
    "a larger shape": lambda p: zipped(p, pickled({"w": Saved(1, (10**6, 10**6), (10**6, 1))})),
    "one number repeated": lambda p: zipped(p, pickled({"w": Saved(1, (TOO_MANY,), (0,))})),
    "a shape below zero": lambda p: zipped(p, pickled({"w": Saved(1, (-1, -1), (1, 1))})),
    "bytes by a call": lambda p: zipped(p, pickled({"w": Call(bytearray, TOO_MANY)})),
    "a tensor by a call": lambda p: zipped(p, pickled({"w": Call(torch.FloatTensor, TOO_MANY)})),
    "a far place in the memo": lambda p: zipped(p, b"\x80\x02}r\xff\xff\xff\x7f."),
    "a zip bomb": lambda p: zipped(p, pickled({"w": Saved(1, (1,), (1,))}), bytes(10**7), zipfile.ZIP_DEFLATED),
    "as before torch 1.6": lambda p: before_zip(
        p, pickled({"w": Saved(TOO_MANY, (TOO_MANY,), (1,))}), struct.pack("<q", TOO_MANY) + bytes(40)
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_declared_takes_no_memory(tmp_path, name):
    path = HOSTILE[name](tmp_path / "hostile.pth")
    tracemalloc.start()
    try:
        with pytest.raises(MisfitWeights, match="hostile"):
            fill(two_numbers(), read_state(path), path, "hint")
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()


def two_numbers() -> nn.Module:
    network = nn.Module()
    network.w = nn.Parameter(torch.zeros(2))
    return network


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"w": torch.tensor([1, np.nan])}, "tensor w holds values that are not finite"),
        ({"w": torch.tensor([1, -np.inf])}, "tensor w holds values that are not finite"),
        ({"w": torch.tensor([1e300, 0], dtype=torch.float64)}, "tensor w holds values that are not finite"),
        ({"w": torch.tensor([1, 2])}, "tensor w holds int64"),
        ({"w": torch.tensor([1j, 2])}, "tensor w holds complex64"),
        ({"w": torch.zeros(2).to_sparse()}, "no PyTorch file of plain tensors"),
        ({"w": torch.zeros(0)}, r"tensor w has shape \(0,\), expected \(2,\)"),
        ({"w": "text"}, "w is of type str"),
        ({1: torch.zeros(2)}, "found one called 1"),
        ({"v": torch.zeros(2)}, "tensor w is missing"),
        ({}, "tensor w is missing"),
    ],
)
@pytest.mark.parametrize("new", [True, False])
def test_wrong_tensors_are_named(tmp_path, state, says, new):
    path = tmp_path / "a.pth"
    torch.save(state, path, _use_new_zipfile_serialization=new)
    with pytest.raises(MisfitWeights, match=rf"a\.pth.*{says}"):
        fill(two_numbers(), read_state(path), path, "hint")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_and_parameters_are_taken(tmp_path, dtype):
    torch.save({"module.w": nn.Parameter(torch.tensor([1, 2], dtype=dtype))}, tmp_path / "a.pth")
    network = two_numbers()
    fill(network, read_state(tmp_path / "a.pth"), "a.pth", "hint")
    assert network.w.tolist() == [1, 2] and network.w.dtype == torch.float32


@pytest.mark.parametrize("read", [read_state, read_safetensors])
def test_what_is_no_file_of_weights_at_sight(tmp_path, read):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")  # which reading would wait for
    (tmp_path / "page").write_bytes(b"\n<!DOCTYPE html><html>Too many requests</html>")
    (tmp_path / "lfs").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    (tmp_path / "empty").touch()
    says = {"folder": "a folder", "pipe": "a pipe", "page": "a web page", "lfs": "git lfs pull", "empty": "it is empty"}
    for name, said in says.items():
        with pytest.raises(MisfitWeights, match=f"{name}: .*{said}"):
            read(tmp_path / name)


def test_safetensors_hold_what_they_declare(tmp_path):
    entry = {"w": {"dtype": "F32", "shape": [TOO_MANY], "data_offsets": [0, 4 * TOO_MANY]}}
    header = json.dumps(entry).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    with pytest.raises(MisfitWeights, match=r"a\.safetensors: not a whole"):
        read_safetensors(tmp_path / "a.safetensors")


def test_a_network_is_built_only_for_tensors_of_its_shapes():
    """The widths that a file names are held against its tensors on a network without memory."""
    for width in (10**9, -1, "wide", float("inf")):
        with pytest.raises(MisfitWeights, match=r"a\.safetensors"):
            built(lambda width=width: nn.Linear(width, width), {"weight": torch.zeros(2, 2)}, "a.safetensors", "hint")
    state = {"weight": torch.eye(2), "bias": torch.ones(2)}
    torch.manual_seed(0)
    expected = nn.Linear(2, 2), torch.rand(1)  # the numbers that are drawn stay those of one network
    torch.manual_seed(0)
    network = built(lambda: nn.Linear(2, 2), state, "a.safetensors", "hint")
    assert torch.equal(network.weight, state["weight"]) and torch.rand(1) == expected[1]


@pytest.mark.parametrize("kind", ["zip", "stream", "safetensors"])
def test_mutated_files_give_typed_errors(tmp_path, kind):
    state = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).state_dict()
    path = tmp_path / "a"
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(60):
        content = bytearray(whole[: rng.integers(len(whole))] if rng.random() < 0.2 else whole)
        for place in rng.integers(0, min(len(content), 1200) or 1, rng.integers(1, 5)):
            content[place : place + 8] = struct.pack("<q", rng.choice([-1, 2**31 - 1, 2**40, 2**62, 0]))
        path.write_bytes(content)
        network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
        try:
            fill(network, (read_safetensors if kind == "safetensors" else read_state)(path), path, "hint")
        except MisfitWeights:
            refused += 1
    assert refused > 40
