"""Tracking: faces through the frames of a stream, offline and online, and when each smiles."""
