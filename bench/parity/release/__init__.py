"""Parity with the published program: every group of a file of its vectors, run through this project's code.

The published weights are not needed: both sides fill the networks with the same deterministic numbers.
"""

from bench.parity.release.check import main

__all__ = ["main"]
