"""Faults of the machine are told from those of an item, however a library says them."""

import errno

import av
import cv2
import pytest
import torch
from PIL import UnidentifiedImageError
from safetensors import SafetensorError

from media.faults import MachineFault, UnusableFile, ending_plainly, listed, of_the_machine, prepared


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.ESTALE, "Stale file handle"),
        OSError(errno.EIO, "Input/output error"),
        MemoryError(),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError("libtorch_global_deps.so: failed to map segment from shared object"),
        ImportError("libgomp.so.1: cannot allocate memory in static TLS block"),
        RuntimeError("can't start new thread"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory: you tried"),
        cv2.error("(-4:Insufficient memory) Failed to allocate 4000000000000 bytes in function 'OutOfMemoryError'"),
    ],
)
def test_the_machine(error):
    assert of_the_machine(error)
    wrapped = ValueError("the method gave up")
    wrapped.__cause__ = error
    assert of_the_machine(wrapped)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no reference"),
        OSError("image file is truncated"),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),  # a method looks for a file of its own
        RuntimeError("sizes of tensors must match"),
        KeyError("memory"),
        ImportError("No module named 'timm'"),
        UnidentifiedImageError("cannot identify image file 'out of memory.png'"),
    ],
)
def test_an_item(error):
    assert not of_the_machine(error)


def test_what_torch_says_without_memory():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 50)
    assert of_the_machine(raised.value)


def test_a_listed_file_that_is_gone(tmp_path):
    with pytest.raises(MachineFault, match=r"00000\.png, which the table of its set lists, cannot be read"):
        with listed(tmp_path / "00000.png"):
            (tmp_path / "00000.png").read_bytes()
    with pytest.raises(OSError, match="truncated"), listed(tmp_path / "00000.png"):
        raise OSError("image file is truncated")


def test_ffmpeg_says_of_broken_files_what_the_system_says_of_itself():
    assert not of_the_machine(av.error.OSError(errno.EIO, "Input/output error", "cut.mkv"))
    assert not of_the_machine(av.error.OSError(errno.ENOMEM, "Cannot allocate memory", "hostile.mkv"))
    assert of_the_machine(av.error.OSError(errno.ENOSPC, "No space left on device", "out.mkv"))


def test_what_the_pipeline_wrote_is_whole(tmp_path):
    for error in (FileNotFoundError(errno.ENOENT, "gone"), ValueError("cut"), EOFError("No data left in file")):
        with pytest.raises(MachineFault, match=r"00000\.png, which the pipeline wrote whole"):
            with prepared(tmp_path / "00000.png"):
                raise error


FAULTS = [
    MachineFault("x.png is gone"),
    MemoryError(),
    OSError(errno.ENOSPC, "full", "x.png"),
    PermissionError(1, "no"),
]


@pytest.mark.parametrize("error", FAULTS)
def test_a_program_ends_with_a_sentence(error):
    with pytest.raises(SystemExit) as ended, ending_plainly():
        raise error
    assert ended.value.code.startswith("error: ") and "\n" not in ended.value.code and ": ." not in ended.value.code
    with pytest.raises(SystemExit, match=r"^error: net\.pth: it is empty"), ending_plainly():
        raise UnusableFile("net.pth: it is empty")
    with pytest.raises(ZeroDivisionError), ending_plainly():
        raise ZeroDivisionError  # a fault of the code has its traceback
