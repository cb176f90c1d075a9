"""What a method is, how a row finds its own, and what several methods are made of."""
