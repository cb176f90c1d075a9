"""What is fit in a data set and what is not, in words and as a plot."""
