"""From coloured frames to scores: what is measured of each item, and means, intervals and comparisons over items."""
