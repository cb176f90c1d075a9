"""The benchmark: methods, metrics, and the stages that colour, score and make tables."""
