"""Metrics: pure functions on arrays. Each module declares its UNIT, DIRECTION (what is better) and SCOPE.

SCOPE is what one number is about: a frame (an image is one), a pair of adjacent frames, a clip or a whole set.
docs/metrics.md has the table: formulas, how numbers become one of the set, and where others differ.
"""
