"""A disk that fills up."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """Make `tmp_path`/disk a disk of so many bytes, or give a made one another size."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def sized(size: int) -> Path:
        how = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
        if os.path.ismount(disk):
            how = ["-o", f"remount,size={size}"]
        done = subprocess.run(["mount", *how, str(disk)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no disk of a chosen size can be mounted here: {done.stderr.strip()}")
        return disk

    if not shutil.which("mount"):
        pytest.skip("there is no program `mount` here")
    yield sized
    if os.path.ismount(disk):
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
