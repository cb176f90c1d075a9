"""Rows at work: colouring the test items, training, and the commands that list a row or try it."""
