"""Shards: the parts of a set that are prepared in one job each.

A shard is a range of the hashes of the items' names, so an item that is added or removed moves no other one; the number
of shards is a power of two, so that it seldom changes with that of the items.
"""

import hashlib

# Hashes are below 2^BITS, so that a column of signed 64-bit integers holds them.
BITS = 62


def shards_for(count: int, size: int) -> int:
    """The least power of two that leaves at most `size` of `count` items a shard in the mean."""
    return 1 << max(0, -(-count // size) - 1).bit_length()


def hash_of(name: str) -> int:
    """0 .. 2^BITS - 1, the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> (64 - BITS)


def shard_of(name: str, shards: int) -> int:
    """The shard, 0 .. shards-1, of the item called `name`."""
    return hash_of(name) * shards >> BITS


def hashes_of_shard(shard: int, shards: int) -> tuple[int, int]:
    """The first hash in a shard and the first one behind it. Raises ValueError for a shard that there is not."""
    if not 0 <= shard < shards:
        raise ValueError(f"there is no shard {shard}; expected 0..{shards - 1}")
    return -((-shard << BITS) // shards), -((-(shard + 1) << BITS) // shards)
