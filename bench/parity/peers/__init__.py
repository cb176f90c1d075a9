"""Parity with other people's metrics and systems."""
