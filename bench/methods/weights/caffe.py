"""Caffe's weight files without Caffe: `.caffemodel` (protobuf) and `.caffemodel.h5` (HDF5), as blobs by layer.

A blob is an array of float32 in Caffe's order, which for convolutions, deconvolutions and inner products is PyTorch's.
Layers without blobs (pooling, activations) are left out.
"""

import mmap
from collections.abc import Iterator
from math import prod
from pathlib import Path
from struct import unpack_from

import numpy as np

from bench.methods.weights.cut_off import CutOff
from media.faults import listed, of_the_machine
from vision.weights import MisfitWeights, check_content

Blobs = dict[str, list[np.ndarray]]

# Numbers of the fields in caffe.proto. A network holds layers of today's kind, or of the one before it ("V1").
LAYER, LAYER_V1 = 100, 2
NAME, BLOBS = {LAYER: 1, LAYER_V1: 4}, {LAYER: 7, LAYER_V1: 6}
DATA, SHAPE, DOUBLE_DATA, DIM = 5, 7, 8, 1
LEGACY_SHAPE = (1, 2, 3, 4)  # num, channels, height, width
# Wire types of protobuf.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def read_caffemodel(path: str | Path) -> Blobs:
    """The blobs of a binary `.caffemodel`. Raises MisfitWeights where it breaks off or is none."""
    check_content(path)
    with listed(path, "the configuration"), open(path, "rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return _layers(path, content)


def read_caffe_hdf5(path: str | Path) -> Blobs:
    """The blobs of a `.caffemodel.h5`, which lie at `data/<layer>/<index>`. Raises MisfitWeights."""
    import h5py

    check_content(path)
    layer = None
    try:
        with h5py.File(path, "r") as file:
            if "data" not in file:
                raise MisfitWeights(f"{path}: expected the group `data`, found {', '.join(file) or 'nothing'}")
            blobs = {}
            for layer, group in file["data"].items():
                if not isinstance(group, h5py.Group):
                    raise TypeError("expected a group of blobs")
                if len(group):
                    blobs[layer] = [_stored(group, str(index), path) for index in range(len(group))]
            return blobs
    except MisfitWeights:
        raise
    except Exception as error:  # damaged bytes break h5py in many ways
        if of_the_machine(error):
            raise
        place = f"layer {layer!r} cannot be read" if layer else "it is no HDF5 file, or one that breaks off"
        raise MisfitWeights(f"{path}: {place} ({error})") from error


def _stored(group, name: str, path: str | Path) -> np.ndarray:
    """A blob that lies in this file, whole and as it is declared."""
    import h5py

    blob = group[name]
    if not isinstance(group.get(name, getlink=True), h5py.HardLink) or not isinstance(blob, h5py.Dataset):
        raise TypeError(f"blob {name} is no array of this file")
    if blob.is_virtual or blob.external or blob.dtype.kind != "f":
        raise TypeError(f"blob {name} holds {blob.dtype}, or numbers of another file; expected floats")
    if blob.nbytes > Path(path).stat().st_size:
        raise ValueError(f"blob {name} declares the shape {blob.shape}, more than the file holds")
    return np.asarray(blob, np.float32)


def _layers(path: str | Path, content: memoryview) -> Blobs:
    blobs: Blobs = {}
    try:
        for number, wire, value in fields(content):
            if number not in BLOBS or wire != BYTES:
                continue
            name, own = _layer(value, number)
            if own and name in blobs:
                raise ValueError(f"two layers are called {name!r}")
            if own:
                blobs[name] = own
    except CutOff as error:
        raise MisfitWeights(f"{path}: it breaks off in {_cut_tensor(error)} ({error}); fetch it again") from error
    except Exception as error:  # damaged bytes can say anything; nothing larger than the file is made of them
        raise MisfitWeights(f"{path}: no .caffemodel, or a damaged one: {error}") from error
    if not blobs:
        raise MisfitWeights(f"{path}: no layer with weights in it; expected a .caffemodel, not its .prototxt")
    return blobs


def _layer(message: memoryview, kind: int) -> tuple[str, list[np.ndarray]]:
    name, blobs = "", []
    for number, wire, value in fields(message):
        if number == NAME[kind] and wire == BYTES:
            name = bytes(value).decode()
        elif number == BLOBS[kind] and wire == BYTES:
            try:
                blobs.append(_blob(value))
            except (ValueError, CutOff) as error:
                raise ValueError(f"the tensor '{name}/{len(blobs)}' cannot be read ({error})") from error
    return name, blobs


def _cut_tensor(error: CutOff) -> str:
    """The tensor in which a file ends, as far as its layer is there."""
    if error.field not in BLOBS:
        return "what is no layer with weights"
    name, count = "", 0
    try:
        for number, _, value in fields(error.rest):
            name = bytes(value).decode() if number == NAME[error.field] else name
            count += number == BLOBS[error.field]
    except CutOff:
        pass
    return f"the tensor '{name}/{count}'"


def _blob(message: memoryview) -> np.ndarray:
    """BlobProto: its numbers packed or one by one, single or double, its shape of any rank or of the old four."""
    shape, legacy, parts = None, {}, []
    for number, wire, value in fields(message):
        if number == SHAPE and wire == BYTES:
            shape = list(_dimensions(value))
        elif number in LEGACY_SHAPE and wire == VARINT:
            legacy[number] = value
        elif number in (DATA, DOUBLE_DATA):
            parts.append(_numbers(value, "<f4" if number == DATA else "<f8", wire))
    numbers = np.concatenate(parts) if parts else np.empty(0, np.float32)
    if shape is None:
        shape = [legacy.get(number, 1) for number in LEGACY_SHAPE] if legacy else [numbers.size]
    if numbers.size != prod(shape):
        raise ValueError(f"a blob of shape {tuple(shape)} holds {numbers.size} numbers")
    return numbers.astype(np.float32, copy=False).reshape(shape)


def _numbers(value, dtype: str, wire: int) -> np.ndarray:
    """Numbers of one field as an array of their own, for the file is closed later."""
    if wire not in (BYTES, FIXED32, FIXED64) or len(value) % np.dtype(dtype).itemsize:
        raise ValueError(f"a blob's numbers with wire type {wire}")
    return np.frombuffer(value, dtype).copy()


def _dimensions(message: memoryview) -> Iterator[int]:
    for number, wire, value in fields(message):
        if number == DIM and wire == BYTES:
            at = 0
            while at < len(value):
                dimension, at = _varint(value, at)
                yield dimension
        elif number == DIM and wire == VARINT:
            yield value


def fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """(number, wire type, value) of each field of a protobuf message; values other than varints are their bytes.

    Raises CutOff where the message ends within a field, ValueError for what protobuf does not have.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(message, at)
        elif wire in (FIXED32, FIXED64, BYTES):
            length, at = (4 if wire == FIXED32 else 8, at) if wire != BYTES else _varint(message, at)
            if at + length > len(message):
                raise CutOff(length, message[at:], number)
            value, at = message[at : at + length], at + length
        else:
            raise ValueError(f"wire type {wire}")
        yield number, wire, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number in base 128, lowest digits first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise CutOff(1, message[at:])
        (digit,) = unpack_from("B", message, at)
        value, at = value | (digit & 0x7F) << shift, at + 1
        if digit < 0x80:
            return value, at
    raise ValueError("a number of more than 64 bits")
