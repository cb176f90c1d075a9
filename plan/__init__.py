"""What is made from what, what it costs, and the runs that make it."""
