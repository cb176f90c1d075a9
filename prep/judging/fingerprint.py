"""Nearly equal pictures: a perceptual hash of a clip or photograph, and the search for others within a few bits of it.

A fingerprint is the signs of the lowest frequencies of four frames spread over the item, 256 bits in all (Zauner 2010,
pHash). It survives another codec, another size and a change of brightness; another scene differs in about half of the
bits. docs/filters.md has the distances measured on real clips.
"""

import cv2
import numpy as np

# Frames that a fingerprint looks at; a photograph's one frame is looked at as often, so that both compare alike.
FRAMES = 4
# Two items that differ in at most this many of the 256 bits show the same.
NEAR = 24


def fingerprint(frames: list[np.ndarray]) -> str:
    """Of uint8 RGB frames (H, W, 3) of one size: 64 hexadecimal digits."""
    positions = np.linspace(0, len(frames) - 1, FRAMES).round().astype(int)
    return np.packbits(np.concatenate([_low_frequencies(frames[index]) for index in positions])).tobytes().hex()


def _low_frequencies(rgb: np.ndarray) -> np.ndarray:
    """64 bits: which of the 8x8 lowest frequencies, but the mean, lie above their median."""
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[:8, :8].ravel()
    return low > np.median(low[1:])


def near_pairs(fingerprints: list[str]) -> list[tuple[int, int]]:
    """All pairs (earlier, later) of indices whose fingerprints differ in at most NEAR bits, sorted by the later."""
    import faiss

    if not fingerprints:
        return []
    codes = np.frombuffer(bytes.fromhex("".join(fingerprints)), np.uint8).reshape(len(fingerprints), -1)
    index = faiss.IndexBinaryFlat(codes.shape[1] * 8)
    index.add(codes)
    limits, _, earlier = index.range_search(codes, NEAR + 1)  # the radius itself is outside
    later = np.repeat(np.arange(len(codes)), np.diff(limits.astype(np.int64)))
    pairs = np.stack([earlier, later], axis=1)[earlier < later]
    return [tuple(pair) for pair in pairs[np.lexsort(pairs.T)].tolist()]
