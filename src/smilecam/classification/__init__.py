"""From a face to the probability of a smile: the crop, the network, its calibration and its file."""
