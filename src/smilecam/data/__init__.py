"""Labelled faces: where they come from, how they are cleaned, split and looked over. Needs no extra."""
