"""Degradation processes: parameters are drawn first, then applied."""
