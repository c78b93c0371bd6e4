"""How well probabilities agree with labels. Needs no extra."""
