"""Metrics: pure functions on arrays. Each module declares its UNIT, DIRECTION (what is better), SCOPE and VERSION."""
