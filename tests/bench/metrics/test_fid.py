"""FID: its protocols, and features of an Inception with random weights of the right names and shapes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench.metrics import fid
from vision import backbones, weights


@pytest.fixture(scope="module")
def inception(tmp_path_factory):
    """Both networks of FID by name; their values are random, so that distances mean nothing by themselves."""
    from pytorch_fid import inception

    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        made = {}
        patch.setattr(inception, "load_state_dict_from_url", lambda *a, **k: made)
        patch.setattr(torch.nn.Module, "load_state_dict", lambda self, state, **k: state.update(self.state_dict()))
        inception.fid_inception_v3()
    folder = tmp_path_factory.mktemp("weights")
    torch.save(made, folder / weights.INCEPTION_FID.name)
    with pytest.warns(UserWarning, match="not those of the published network"):
        return {name: backbones.load_backbone(name, folder) for name in ("inception", "inception_clean")}


def pictures(count: int, size: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(count)]


def tensors(frames: list[np.ndarray]) -> torch.Tensor:
    return torch.stack([backbones.rgb_tensor(rgb) for rgb in frames])


def clean(inception, rgb: np.ndarray) -> torch.Tensor:
    """What the network `inception_clean` makes of an 8-bit picture."""
    return inception["inception_clean"].resized(backbones.rgb_tensor(rgb))


def test_a_flat_picture_stays_flat(inception):
    resized = clean(inception, np.full((40, 60, 3), (10, 128, 255), np.uint8))
    assert resized.shape == (3, 299, 299) and resized.dtype == torch.float32
    assert resized[:, 7, 11].tolist() == pytest.approx([10 / 256, 128 / 256, 255 / 256], abs=1e-6)
    assert np.ptp(resized.numpy(), axis=(1, 2)).max() < 1e-5


def test_clean_is_antialiased(inception):
    """Stripes of one pixel at three times the size: every third one alone alternates, antialiased they are grey."""
    stripes = np.zeros((3, 897, 3), np.uint8)
    stripes[:, 1::2] = 255
    assert clean(inception, stripes)[:, :, 5:-5].numpy() == pytest.approx(0.5, abs=0.08)


def test_clean_is_cut_to_eight_bits(inception):
    """Bicubic overshoots at an edge; the picture must not leave the range."""
    edge = np.zeros((30, 30, 3), np.uint8)
    edge[:, 15:] = 255
    resized = clean(inception, edge)
    assert resized.min() == 0 and resized.max() == 255 / 256


def test_legacy_is_what_the_network_does_by_itself(inception):
    """Bilinear between pixel centres, no antialiasing."""
    legacy, rgb = inception["inception"], tensors(pictures(3, (48, 64)))
    resized = F.interpolate(rgb, (299, 299), mode="bilinear", align_corners=False)
    assert legacy.pooled(rgb).numpy() == pytest.approx(legacy.pooled(resized).numpy(), rel=1e-4, abs=1e-6)


def test_clean_is_the_same_network_behind_another_resizing(inception):
    frames = pictures(3, (48, 64))
    found = inception["inception_clean"].pooled(tensors(frames)).numpy()
    by_hand = inception["inception"].pooled(torch.stack([clean(inception, rgb) for rgb in frames])).numpy()
    assert found.shape == (3, 2048) and found == pytest.approx(by_hand, rel=1e-4, abs=1e-6)
    assert not np.allclose(found, inception["inception"].pooled(tensors(frames)).numpy(), rtol=1e-3)


def test_distance_of_shifted_features():
    features = np.random.default_rng(0).normal(size=(20, 6))
    assert fid.fid(features, features + 3) == pytest.approx(6 * 9)
