"""Torch7's files without Lua."""

from struct import pack

import numpy as np
import pytest

from bench.methods.weights.torch7 import TorchObject, read_t7
from vision.weights import MisfitWeights


def test_every_kind_of_value(tmp_path, foreign):
    weight = np.arange(12, dtype=np.float64).reshape(3, 4)
    module = foreign.lua("nn.Linear", {"weight": weight, "bias": None})
    content = {"mean": 0.5, "name": "Café", "n": 3, "yes": True, "list": [1.5, "a"], "module": module}
    found = read_t7(foreign.t7(tmp_path / "a.t7", content))
    assert {key: found[key] for key in ("mean", "name", "n", "yes", "list")} == {
        **{"mean": 0.5, "n": 3, "yes": True, "list": {1: 1.5, 2: "a"}},
        "name": "Café",
    }
    assert isinstance(found["module"], TorchObject) and found["module"].kind == "nn.Linear"
    np.testing.assert_array_equal(found["module"]["weight"], weight)


def test_shared_things_are_one_thing(tmp_path, foreign):
    storage = np.arange(20, dtype=np.float32)
    module = foreign.lua("nn.Identity")
    content = {"a": storage[2:14].reshape(3, 4), "b": storage[2:14].reshape(3, 4).T, "m": module, "n": module}
    content["itself"] = content
    found = read_t7(foreign.t7(tmp_path / "a.t7", content))
    np.testing.assert_array_equal(found["a"], content["a"])
    np.testing.assert_array_equal(found["b"], content["a"].T)
    assert np.shares_memory(found["a"], found["b"])
    assert found["m"] is found["n"] and found["itself"] is found


def test_deep_nesting_does_not_end_the_stack(tmp_path, foreign):
    # Written from the inside: the test's own writer is recursive.
    innermost = pack("<id", 1, 7.0)
    depth = 5000
    head = b"".join(pack("<iiid", 3, index, 1, 0)[:12] + pack("<id", 1, 1.0) for index in range(1, depth + 1))
    (tmp_path / "deep.t7").write_bytes(head + innermost)
    found = read_t7(tmp_path / "deep.t7")
    for _ in range(depth):
        found = found[1]
    assert found == 7


def test_functions_are_skipped(tmp_path):
    """A table {1: <function>, 2: 5}; nothing of the function is kept or run."""
    table = pack("<iii", 3, 1, 2) + pack("<id", 1, 1.0) + pack("<iii", 8, 2, 4) + b"code" + pack("<i", 0)
    (tmp_path / "f.t7").write_bytes(table + pack("<id", 1, 2.0) + pack("<id", 1, 5.0))
    assert read_t7(tmp_path / "f.t7") == {1: None, 2: 5}


def test_a_cut_file_says_where(tmp_path, foreign):
    content = {"mean": 0.5, "model": {"weight": np.ones(100), "bias": np.ones(100)}}
    path = foreign.t7(tmp_path / "a.t7", content)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(MisfitWeights, match=r"a.t7: it breaks off in the entry 'bias'"):
        read_t7(path)


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((3, 5), (4, 1), 1), ((3, 4), (4, 1), 2), ((3, 4), (-4, 1), 9), ((2**40, 4), (0, 1), 1)],
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, shape, strides, offset):
    tensor = pack("<ii", 4, 1) + pack("<i", 3) + b"V 1" + pack("<i", 17) + b"torch.FloatTensor"
    tensor += pack("<i5q", 2, *shape, *strides, offset)
    tensor += (
        pack("<ii", 4, 2)
        + pack("<i", 3)
        + b"V 1"
        + pack("<i", 18)
        + b"torch.FloatStorage"
        + pack("<q12f", 12, *range(12))
    )
    (tmp_path / "bad.t7").write_bytes(tensor)
    with pytest.raises(MisfitWeights, match="does not fit in its storage of 12 numbers"):
        read_t7(tmp_path / "bad.t7")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", b"\x09\x00\x00\x00"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.t7").write_bytes(content)
    with pytest.raises(MisfitWeights, match=r"empty|no binary Torch7 file"):
        read_t7(tmp_path / "a.t7")
