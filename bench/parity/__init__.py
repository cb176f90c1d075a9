"""Parity with other people's programs: every output in a file of their numbers, computed by this project's code.

`vectors` is the command; it tells the kinds of files apart. `peers` are others' metrics, `systems` the compared
systems, `release` the published program; each says which function answers which output, and has what it takes to
reproduce what this project does otherwise.
"""

from bench.parity.vectors import main

__all__ = ["main"]
