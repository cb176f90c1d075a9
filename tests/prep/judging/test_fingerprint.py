"""Fingerprints: close for the same pictures in another coding or size, far for others; every near pair is found."""

import io

import cv2
import numpy as np
from PIL import Image

from media.image import cover_crop
from prep.judging.fingerprint import NEAR, fingerprint, near_pairs


def distance(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


def textured(seed: int, height: int = 216, width: int = 384) -> np.ndarray:
    """Broad patches and finer ones on them."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.uniform(0, 255, (n, n, 3)), (width, height), interpolation=cv2.INTER_CUBIC) for n in (4, 9)
    ]
    return np.uint8(np.clip(0.6 * layers[0] + 0.4 * layers[1], 0, 255))


def jpeg(rgb: np.ndarray) -> np.ndarray:
    stored = io.BytesIO()
    Image.fromarray(rgb).save(stored, "JPEG", quality=30)
    return np.asarray(Image.open(stored))


def test_it_survives_coding_size_and_brightness():
    frames = [np.roll(textured(0), 3 * t, axis=1) for t in range(9)]
    own = fingerprint(frames)
    assert len(own) == 64
    halved = [cover_crop(cover_crop(frame, (108, 192)), (216, 384)) for frame in frames]
    brighter = [np.uint8(np.clip(frame * 1.1 + 5, 0, 255)) for frame in frames]
    for changed in (halved, brighter, list(map(jpeg, frames))):
        assert distance(own, fingerprint(changed)) <= NEAR


def test_other_pictures_are_far():
    prints = [fingerprint([textured(seed)]) for seed in range(40)]
    assert min(distance(a, b) for i, a in enumerate(prints) for b in prints[:i]) > NEAR
    still, other = textured(1), textured(2)
    assert distance(fingerprint([still] * 8), fingerprint([still] * 4 + [other] * 4)) > NEAR  # the end differs


def test_near_pairs_are_all_pairs_within_the_distance():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (30, 256), dtype=np.uint8)
    for index, flips in ((3, NEAR), (7, NEAR + 1), (20, 0)):
        bits[index] = bits[index - 1]
        bits[index, rng.permutation(256)[:flips]] ^= 1
    prints = [np.packbits(row).tobytes().hex() for row in bits]
    expected = [(i, j) for j in range(30) for i in range(j) if distance(prints[i], prints[j]) <= NEAR]
    assert near_pairs(prints) == expected == [(2, 3), (19, 20)]
    assert near_pairs([]) == []
