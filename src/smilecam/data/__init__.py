"""Labelled faces: download, loading, cleaning, splits and audit. Needs no extra."""
