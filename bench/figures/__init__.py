"""The paper's figures: one stage a figure, and the strips of labelled pictures that most of them are."""
