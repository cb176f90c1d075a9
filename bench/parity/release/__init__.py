"""Parity with the published program: a file lists its inputs and outputs, in groups.

The published weights are not needed: both sides fill the networks with the same deterministic numbers.
"""
