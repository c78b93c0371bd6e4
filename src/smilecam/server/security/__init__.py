"""Who may ask, for how much, and how often."""
