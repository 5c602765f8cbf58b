"""Pooling over frames, prediction heads and calibration."""
