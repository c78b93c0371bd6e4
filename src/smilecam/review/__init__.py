"""Results for people: the smiles of a video as a clip, the best photos of a group, a report to read."""
