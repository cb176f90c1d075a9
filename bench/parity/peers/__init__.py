"""Parity with other people's metrics: a manifest lists the entries, with their inputs, outputs and tolerances."""
