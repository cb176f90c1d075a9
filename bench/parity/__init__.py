"""Parity with other people's metrics: every entry of a manifest of their numbers, run through this project's code.

`rules` says which function answers which output, `peers` reproduces what others do that this project does not.
"""

from bench.parity.check import main

__all__ = ["main"]
