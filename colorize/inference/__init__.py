"""How a trained model colours: clips in and out, segments that a stopped run goes on from, finishing."""
