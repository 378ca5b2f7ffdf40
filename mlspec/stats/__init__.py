"""Statistics on numpy arrays: metrics, their intervals, and the evidence they are computed from."""
