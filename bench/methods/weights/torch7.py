"""Torch7's binary files (`.t7`) without Lua: numbers, strings, tables, tensors, and objects as plain tables.

Our own, for the package `torchfile` (last release 2017) makes views beyond the end of a storage where a file says so,
takes a file that breaks off for a shorter tensor, and cannot read tables nested deeper than Python's stack.
Functions in a file are skipped. Numbers and sizes are little-endian, sizes of tensors 64 bits, as x86-64 wrote them.
"""

import mmap
from collections.abc import Generator
from math import prod
from pathlib import Path
from struct import calcsize, unpack_from

import numpy as np

from bench.methods.weights.cut_off import CutOff
from media.faults import listed
from vision.weights import MisfitWeights, check_content

NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN, FUNCTION = range(7)
FUNCTIONS = (FUNCTION, 7, 8)  # 7 and 8: functions with the values they refer to, as older and newer Torch wrote them

DTYPES = {
    "Byte": "u1",
    "Char": "i1",
    "Short": "<i2",
    "Int": "<i4",
    "Long": "<i8",
    "Half": "<f2",
    "Float": "<f4",
    "Double": "<f8",
}
# On the GPU the same, and float without a name.
DTYPES |= {f"Cuda{name}": dtype for name, dtype in DTYPES.items()} | {"Cuda": "<f4"}


class TorchObject(dict):
    """An object of a Torch class: its fields, and the name of its class as `kind`. Equal only to itself."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind


def read_t7(path: str | Path):
    """The object that a file holds: None, float or int, bool, str, dict, TorchObject or numpy array.

    A table is a dict; its keys 1, 2, ... are ints. What the file refers to twice is one object here, and tensors of one
    storage are views of one array. Raises MisfitWeights where the file breaks off or is none.
    """
    check_content(path)
    with listed(path, "the configuration"), open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # the arrays keep it open
    reader = _Reader(memoryview(mapped))
    try:
        return _run(reader.object())
    except CutOff as error:
        raise MisfitWeights(f"{path}: it breaks off in {reader.last} ({error}); fetch it again") from error
    except Exception as error:  # damaged bytes can say anything; nothing larger than the file is made of them
        raise MisfitWeights(f"{path}: no binary Torch7 file, or a damaged one: after {reader.last}, {error}") from error


def _run(routine: Generator):
    """Run a generator that yields the generators whose results it wants: recursion without Python's stack."""
    waiting, result = [routine], None
    while waiting:
        try:
            waiting.append(waiting[-1].send(result))
            result = None
        except StopIteration as done:
            waiting.pop()
            result = done.value
    return result


class _Reader:
    """A place in the bytes, the objects read so far, and the last thing that had a name."""

    def __init__(self, content: memoryview):
        self.content, self.at = content, 0
        self.objects: dict[int, object] = {}
        self.last = "the beginning"

    def numbers(self, form: str) -> tuple:
        size = calcsize(form)
        return unpack_from(form, self.bytes(size))

    def bytes(self, size: int) -> memoryview:
        if size < 0:
            raise ValueError(f"a length of {size}")
        if self.at + size > len(self.content):
            raise CutOff(size, self.content[self.at :])
        self.at += size
        return self.content[self.at - size : self.at]

    def string(self) -> str:
        (size,) = self.numbers("<i")
        return bytes(self.bytes(size)).decode("latin-1")

    def object(self) -> Generator:
        (tag,) = self.numbers("<i")
        if tag in (TABLE, TORCH, *FUNCTIONS):
            return (yield self.shared(tag))
        if tag == NUMBER:
            (value,) = self.numbers("<d")
            return int(value) if value.is_integer() else value
        if tag == STRING:
            return self.string()
        if tag == BOOLEAN:
            return self.numbers("<i") == (1,)
        if tag != NIL:
            raise ValueError(f"there is no type {tag}")

    def shared(self, tag: int) -> Generator:
        """What is written once and then referred to by its index."""
        (index,) = self.numbers("<i")
        if index in self.objects:
            return self.objects[index]
        if tag == TABLE:
            self.objects[index] = {}
            return (yield self.table(self.objects[index]))
        if tag == TORCH:
            return (yield self.torch_object(index))
        self.objects[index] = None
        self.string()  # compiled Lua
        yield self.object()  # the values that it refers to

    def table(self, table: dict) -> Generator:
        (size,) = self.numbers("<i")
        for _ in range(size):
            key = yield self.object()
            if not isinstance(key, str | int | float):
                raise ValueError(f"a table has a key that is neither string nor number: {type(key).__name__}")
            if isinstance(key, str):
                self.last = f"the entry {key!r}"
            table[key] = yield self.object()
        return table

    def torch_object(self, index: int) -> Generator:
        kind = self.string()
        if kind.startswith("V "):  # a version first, but not in the oldest files
            kind = self.string()
        element = kind.removeprefix("torch.").removesuffix("Tensor").removesuffix("Storage")
        if element in DTYPES and kind.endswith("Storage"):
            self.objects[index] = self.storage(np.dtype(DTYPES[element]))
        elif element in DTYPES and kind.endswith("Tensor"):
            self.objects[index] = yield self.tensor(np.dtype(DTYPES[element]))
        else:
            self.objects[index] = TorchObject(kind)
            contents = yield self.object()
            if not isinstance(contents, dict):
                raise ValueError(f"an object {kind!r} that is no table")
            self.objects[index].update(contents)
        return self.objects[index]

    def storage(self, dtype: np.dtype) -> np.ndarray:
        (size,) = self.numbers("<q")
        return np.frombuffer(self.bytes(size * dtype.itemsize), dtype)

    def tensor(self, dtype: np.dtype) -> Generator:
        (rank,) = self.numbers("<i")
        if not 0 <= rank <= 64:
            raise ValueError(f"a tensor of {rank} dimensions")
        shape, strides = self.numbers(f"<{rank}q"), self.numbers(f"<{rank}q")
        (offset,) = self.numbers("<q")  # from 1
        storage = yield self.object()
        if storage is None or rank == 0:
            return np.empty(0, dtype)
        last = offset - 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        within = storage.dtype == dtype and last < storage.size and prod(shape) <= storage.size
        if not within or min(shape) < 1 or min(strides) < 0 or offset < 1:
            raise ValueError(f"a tensor of shape {shape} does not fit in its storage of {storage.size} numbers")
        steps = [stride * dtype.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(storage[offset - 1 :], shape, steps, writeable=False)
