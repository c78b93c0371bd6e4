"""What time adds: faces followed from frame to frame, tracks, and steady smile states."""
