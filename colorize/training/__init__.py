"""How the model learns: settings, samples, losses, and the loop that every method's training runs in."""
