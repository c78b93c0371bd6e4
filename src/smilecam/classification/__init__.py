"""Smile classification: crop, network, calibration, and the checks of a model file."""
