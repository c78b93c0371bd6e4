"""Access control, limits, and bounds on connections."""
