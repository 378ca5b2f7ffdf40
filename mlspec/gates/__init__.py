"""Checks of a gate: evidence in, verdict out; pure."""
