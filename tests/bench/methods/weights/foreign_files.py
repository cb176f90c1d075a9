"""Files in the formats of Caffe and Torch7, written byte by byte as those frameworks do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from struct import pack

import numpy as np

FRESH, BEFORE = {"layer": 100, "name": 1, "blobs": 7}, {"layer": 2, "name": 4, "blobs": 6}


def varint(value: int) -> bytes:
    digits = b""
    while value > 0x7F:
        digits, value = digits + bytes([value & 0x7F | 0x80]), value >> 7
    return digits + bytes([value])


def message(number: int, content: bytes) -> bytes:
    """A field of bytes: a string, a message inside a message, or packed numbers."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def caffe_blob(array: np.ndarray, style: str) -> bytes:
    if style in ("v1", "legacy"):  # num, channels, height, width; vectors are 1 x 1 x 1 x N
        four = (1,) * (4 - array.ndim) + array.shape
        shape = b"".join(varint(number << 3) + varint(size) for number, size in enumerate(four, start=1))
    else:
        shape = message(7, message(1, b"".join(map(varint, array.shape))))
    if style == "unpacked":
        return shape + b"".join(varint(5 << 3 | 5) + pack("<f", value) for value in array.ravel())
    if style == "double":
        return shape + message(8, array.astype("<f8").tobytes())
    return shape + message(5, array.astype("<f4").tobytes())


def write_caffemodel(path: Path, blobs: dict[str, list[np.ndarray]], style: str = "fresh") -> Path:
    """style: fresh, unpacked, double, legacy (shapes), or v1 (the layers before 2014, which have legacy shapes too)."""
    numbers = BEFORE if style == "v1" else FRESH
    content = message(1, b"a network")
    for name, arrays in {"data": [], **blobs}.items():
        layer = message(numbers["name"], name.encode())
        layer += b"".join(message(numbers["blobs"], caffe_blob(array, style)) for array in arrays)
        content += message(numbers["layer"], layer)
    path.write_bytes(content)
    return path


def write_caffe_hdf5(path: Path, blobs: dict[str, list[np.ndarray]]) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        for name, arrays in {"data": [], **blobs}.items():
            group = file.create_group(f"data/{name}")
            for index, array in enumerate(arrays):
                group[str(index)] = array
    return path


@dataclass(eq=False)
class Lua:
    """An object of a Torch class for `write_t7`."""

    kind: str
    fields: dict = field(default_factory=dict)


class _Torch7:
    """Writes objects as torch.save does; what is there twice is written once and referred to by its index."""

    kinds = {"float32": "Float", "float64": "Double", "int64": "Long"}

    def __init__(self):
        self.content, self.index, self.kept = bytearray(), {}, []

    def string(self, text: str) -> None:
        self.content += pack("<i", len(text)) + text.encode("latin-1")

    def begun(self, tag: int, thing, key) -> bool:
        """Write tag and index; whether the thing itself has to follow."""
        known = key in self.index
        self.kept.append(thing)  # else its id could come again
        self.content += pack("<ii", tag, self.index.setdefault(key, len(self.index) + 1))
        return not known

    def add(self, thing) -> None:
        if thing is None:
            self.content += pack("<i", 0)
        elif isinstance(thing, bool):
            self.content += pack("<ii", 5, thing)
        elif isinstance(thing, int | float):
            self.content += pack("<id", 1, thing)
        elif isinstance(thing, str):
            self.content += pack("<i", 2)
            self.string(thing)
        elif isinstance(thing, list):
            self.add_table(dict(enumerate(thing, start=1)), thing)
        elif isinstance(thing, dict):
            self.add_table(thing, thing)
        elif isinstance(thing, Lua):
            if self.begun(4, thing, id(thing)):
                self.string("V 1")
                self.string(thing.kind)
                self.add(thing.fields)
        else:
            self.add_tensor(thing)

    def add_table(self, pairs: dict, thing) -> None:
        if self.begun(3, thing, id(thing)):
            self.content += pack("<i", len(pairs))
            for key, value in pairs.items():
                self.add(key)
                self.add(value)

    def add_tensor(self, array: np.ndarray) -> None:
        storage = array if array.base is None else array.base
        kind, size = self.kinds[array.dtype.name], array.itemsize
        if not self.begun(4, array, id(array)):
            return
        self.string("V 1")
        self.string(f"torch.{kind}Tensor")
        offset = (array.__array_interface__["data"][0] - storage.__array_interface__["data"][0]) // size
        strides = [stride // size for stride in array.strides]
        self.content += pack(f"<i{2 * array.ndim + 1}q", array.ndim, *array.shape, *strides, offset + 1)
        if self.begun(4, storage, ("storage", id(storage))):
            self.string("V 1")
            self.string(f"torch.{kind}Storage")
            self.content += pack("<q", storage.size) + storage.tobytes()


def write_t7(path: Path, thing) -> Path:
    writer = _Torch7()
    writer.add(thing)
    path.write_bytes(writer.content)
    return path


@dataclass(frozen=True)
class Foreign:
    """What the tests of this folder write files with."""

    caffemodel: Callable = write_caffemodel
    caffe_hdf5: Callable = write_caffe_hdf5
    t7: Callable = write_t7
    lua: Callable = Lua
