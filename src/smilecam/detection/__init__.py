"""Finding faces: what every detector offers, the detectors, and which parts of an image have changed."""
