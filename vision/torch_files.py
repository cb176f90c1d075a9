"""PyTorch's weight files: what they declare is held against what they hold before memory is taken; nothing is run.

Such a file is a pickle, which builds containers and tensors by calls, and the numbers. The pickle is run twice: first
with stand-ins in place of all calls, which shows the declared sizes and takes no more memory than the pickle itself;
then by torch, as weights only.
"""

import io
import pickle
import warnings
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path

import numpy as np

from media.faults import of_the_machine
from vision.weights import MisfitWeights, check_content

PICKLE_LIMIT = 16 * 2**20  # bytes; names and shapes of the largest network here are a hundred times less
MAGIC = 0x1950A86A20F9469CFC6C  # before torch 1.6 a file began with it
ITEM_SIZES = {
    **dict.fromkeys("Bool Byte Char Untyped bool uint8 int8".split(), 1),
    **dict.fromkeys("Short Half BFloat16 int16 float16 half bfloat16".split(), 2),
    **dict.fromkeys("Int Float int32 float32 float".split(), 4),
    **dict.fromkeys("Long Double ComplexFloat int64 float64 double complex64".split(), 8),
    **dict.fromkeys("ComplexDouble complex128".split(), 16),
}
# What a file may call that takes no memory of its own. Best scores are NumPy's numbers, in files from Python 2 encoded.
HARMLESS = {
    ("_codecs", "encode"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "scalar"),
    ("torch", "device"),
    ("torch.serialization", "_get_layout"),
}
CONTAINERS = {
    ("collections", "Counter"): Counter,
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("torch", "Size"): tuple,
}


def read_torch_file(path: str | Path):
    """What a file of torch.save holds, on the CPU: containers, numbers, strings and plain tensors.

    Files from Python 2 are read with their strings as latin-1. Raises MisfitWeights, with the tensor where one is at
    fault; MachineFault where the file cannot be read.
    """
    import torch

    path = Path(path)
    check_content(path)
    scalar = np._core.multiarray.scalar
    numbers = [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, type(np.dtype("f8")), type(np.dtype("f4"))]
    try:
        check_declared(path)
        with warnings.catch_warnings(), torch.serialization.safe_globals(numbers):
            warnings.filterwarnings("ignore", message="pickle_load_args")  # it says that the encoding does not count
            return torch.load(path, map_location="cpu", weights_only=True, encoding="latin1")
    except MisfitWeights:
        raise
    except Exception as error:  # a file of something else breaks its readers in any way it likes
        if of_the_machine(error):
            raise
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise MisfitWeights(
            f"{path}: no PyTorch file of plain tensors, or one that breaks off ({reason}). Get it again; if it holds "
            "whole Python objects, which are never run, save a `state_dict()` of them instead"
        ) from error


def check_declared(path: Path) -> None:
    """Raise MisfitWeights, or any error of a reader, for a file that declares more than it holds."""
    with open(path, "rb") as file:
        zipped = file.read(4) == b"PK\3\4"
    content = _of_zip(path) if zipped else _of_stream(path)
    for name, tensor in _tensors(content):
        if tensor.bytes > tensor.storage.bytes:
            raise MisfitWeights(
                f"{path}: tensor {name} declares the shape {tensor.shape[:8]}, {tensor.bytes} bytes, of which the file "
                f"holds {tensor.storage.bytes}"
            )


def is_size(value: object) -> bool:
    """Whether it is an int of 64 bits; a pickle may hold ones of millions of digits, which no one can multiply."""
    return isinstance(value, int) and value.bit_length() < 64


class DeclaredStorage:
    """A run of numbers that a pickle refers to, and their size in bytes as it says."""

    def __init__(self, kind, key: str, count: int):
        if not (isinstance(kind, ItemType) and is_size(count) and count >= 0):
            raise pickle.UnpicklingError("a storage without a kind or a size")
        self.key, self.bytes = str(key), kind.size * count
        self.size = kind.size


class DeclaredTensor:
    """A tensor that a pickle declares: its storage, shape, and the bytes that this needs."""

    def __init__(self, storage: DeclaredStorage, offset: int, shape: tuple, strides: tuple, *rest):
        sizes = (*shape, *strides, offset)
        if not isinstance(storage, DeclaredStorage) or len(shape) > 64 or not all(map(is_size, sizes)):
            raise pickle.UnpicklingError("a tensor without storage, or without a shape")
        sizes_named = [one.size for one in rest if isinstance(one, ItemType)]
        self.storage, self.shape = storage, tuple(shape)
        # A dimension without a stride repeats what is there, and takes no memory.
        distinct = prod(size for size, stride in zip(shape, strides, strict=True) if stride)
        self.bytes = distinct * (sizes_named[0] if sizes_named else storage.size)


class ItemType:
    """A kind of number in a pickle: torch's dtype or its storage of old."""

    def __init__(self, size: int):
        self.size = size


class Opaque:
    """What a harmless call would have made."""

    def __init__(self, *args):
        del args

    def __setstate__(self, state):
        del state


class _Outline(pickle._Unpickler):
    """An unpickler that builds containers, and stand-ins for all else. In Python: C's takes memory for what is said."""

    def __init__(self, stream: io.BytesIO):
        super().__init__(stream, encoding="latin1")
        self.storages: dict[str, DeclaredStorage] = {}

    def find_class(self, module: str, name: str):
        if (module, name) in CONTAINERS:
            return CONTAINERS[module, name]
        if module == "torch._utils" and name in REBUILT:
            return REBUILT[name]
        if (module, name) in HARMLESS or (module.startswith("numpy.dtypes") and name.endswith("DType")):
            return Opaque
        kind = name.removesuffix("Storage")
        if module in ("torch", "torch.cuda", "torch.storage") and kind in ITEM_SIZES:
            return ItemType(ITEM_SIZES[kind])
        raise pickle.UnpicklingError(f"it holds {module}.{name}")

    def persistent_load(self, pid) -> DeclaredStorage:
        _, kind, key, _, count = pid[:5]
        storage = DeclaredStorage(kind, key, count)
        return self.storages.setdefault(storage.key, storage)


REBUILT: dict[str, Callable] = {
    "_rebuild_tensor": DeclaredTensor,
    "_rebuild_tensor_v2": DeclaredTensor,
    "_rebuild_tensor_v3": DeclaredTensor,
    "_rebuild_parameter": lambda data, *rest: data,
    "_rebuild_parameter_with_state": lambda data, *rest: data,
}


def _of_zip(path: Path):
    with zipfile.ZipFile(path) as archive:
        parts = {part.filename: part for part in archive.infolist()}
        for part in parts.values():
            if part.flag_bits & 1 or part.compress_type != zipfile.ZIP_STORED:
                raise MisfitWeights(f"{path}: {part.filename} in it is compressed or encrypted, which torch never does")
        declared, there = sum(part.file_size for part in archive.infolist()), path.stat().st_size
        if declared > there:
            raise MisfitWeights(f"{path}: its parts declare {declared} bytes, and the file has {there}")
        (name,) = (name for name in parts if name.endswith("/data.pkl") and name.count("/") == 1)
        if parts[name].file_size > PICKLE_LIMIT:
            raise MisfitWeights(f"{path}: its list of tensors takes {parts[name].file_size} bytes: no network's file")
        outline = _Outline(io.BytesIO(archive.read(name)))
    content = outline.load()
    for storage in outline.storages.values():
        part = parts.get(f"{name.removesuffix('.pkl')}/{storage.key}")
        storage.bytes = min(storage.bytes, part.file_size if part else 0)
    return content


def _of_stream(path: Path):
    """A file as torch wrote it before 1.6: five pickles, then each storage's count and numbers."""
    with open(path, "rb") as file:
        stream = io.BytesIO(file.read(PICKLE_LIMIT))
    if _Outline(stream).load() != MAGIC:
        raise pickle.UnpicklingError("it does not begin as torch.save begins")
    _Outline(stream).load()  # the version of the format
    _Outline(stream).load()  # the system
    outline = _Outline(stream)
    content = outline.load()
    _Outline(stream).load()  # the order of the storages
    declared = sum(8 + storage.bytes for storage in outline.storages.values())
    there = path.stat().st_size - stream.tell()
    if declared > there:
        raise MisfitWeights(
            f"{path}: it breaks off, or declares what it does not hold: {declared} bytes of numbers, of which {there} "
            "are there"
        )
    return content


def _tensors(content) -> Iterator[tuple[str, DeclaredTensor]]:
    """Every declared tensor with its name; containers may contain themselves."""
    waiting, seen = [("", content)], set()
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, DeclaredTensor):
            yield name, value
        elif isinstance(value, dict | list | tuple | set) and id(value) not in seen:
            seen.add(id(value))
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [(f"{key}" if isinstance(key, str) else name, inside) for key, inside in inner]
