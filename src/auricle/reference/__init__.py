"""Metrics that compare with a reference, behind thin adapters."""
