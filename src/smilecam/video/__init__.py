"""Frames in and out: pictures, video files and cameras; drawing; recording."""
