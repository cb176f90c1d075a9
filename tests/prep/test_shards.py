"""Shards: every item in one, of about equal size, and few of them moved by more items."""

from collections import Counter
from itertools import pairwise

import pytest

from prep.shards import hash_of, hashes_of_shard, shard_of, shards_for

NAMES = [f"clip {number} é" for number in range(2000)]


def test_the_number_of_shards_is_the_least_power_of_two():
    assert [shards_for(count, 50) for count in (0, 1, 50, 51, 100, 101, 2759)] == [1, 1, 1, 2, 2, 4, 64]
    assert shards_for(1_281_167, 20_000) == 128


@pytest.mark.parametrize("shards", [1, 2, 7, 64])
def test_a_shard_is_a_range_of_hashes(shards):
    for name in NAMES[:300]:
        first, end = hashes_of_shard(shard_of(name, shards), shards)
        assert first <= hash_of(name) < end
    edges = [hashes_of_shard(shard, shards) for shard in range(shards)]
    assert edges[0][0] == 0 and edges[-1][1] == 2**62
    assert all(left[1] == right[0] for left, right in pairwise(edges))


def test_shards_are_about_equal():
    sizes = Counter(shard_of(name, 16) for name in NAMES).values()
    assert len(sizes) == 16 and max(sizes) < 2 * min(sizes)


def test_the_hash_is_the_same_everywhere():
    assert hash_of("videvo/bear.mp4") == 0xA8B2B3904EDF5CD  # first 62 bits of its SHA-256


def test_twice_as_many_shards_halve_each():
    assert all(shard_of(name, 8) == shard_of(name, 16) // 2 for name in NAMES)


def test_a_shard_that_there_is_not():
    with pytest.raises(ValueError, match=r"no shard 4; expected 0\.\.3"):
        hashes_of_shard(4, 4)
