"""Face detection: the detectors behind one registry, their files, and motion gating."""
