"""The paper's model: networks, losses, pairs of frames as a dataset, training and inference."""
