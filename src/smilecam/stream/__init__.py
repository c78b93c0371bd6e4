"""What time adds to pictures: faces followed from frame to frame, tracks, steady decisions, live figures."""
