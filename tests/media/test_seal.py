"""A sealed file is whole or is called damaged."""

import numpy as np
import pytest
import torch

from media.seal import Damaged, seal, unsealed


@pytest.mark.parametrize("content", [b"", b"{}", b"a\nsha256 b\n", bytes(1000)])
def test_the_content_comes_back(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    seal(tmp_path / "a")
    assert unsealed(tmp_path / "a") == content


def test_every_changed_byte_and_every_cut_is_noticed(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"some content")
    seal(file)
    whole = file.read_bytes()
    for at in range(len(whole)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
            file.write_bytes(damaged)
            with pytest.raises(Damaged, match=f"{file}: "):
                unsealed(file)


def test_archives_can_be_read_with_it(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.arange(3))
    torch.save({"a": torch.arange(3)}, tmp_path / "a.pt")
    for name in ("a.npz", "a.pt"):
        seal(tmp_path / name)
    assert np.load(tmp_path / "a.npz")["a"].tolist() == [0, 1, 2]
    assert torch.load(tmp_path / "a.pt", weights_only=True)["a"].tolist() == [0, 1, 2]
