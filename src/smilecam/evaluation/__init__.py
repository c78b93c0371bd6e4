"""Metrics, calibration, slices, label issues and reports. Only ``report`` needs an extra."""
