"""Parity with the compared systems: the keys of a file say what they are."""
