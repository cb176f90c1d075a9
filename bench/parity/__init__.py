"""Parity with other people's programs: every entry of a file of their numbers, run through this project's code.

For metrics a manifest lists the entries, `rules` says which function answers which output, and `peers` reproduces what
others do that this project does not. For the compared systems the keys say what they are, and `systems` answers them.
"""

from bench.parity.peers.check import main

__all__ = ["main"]
