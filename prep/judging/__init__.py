"""Whether an item is fit to be used, and whether it repeats another."""
