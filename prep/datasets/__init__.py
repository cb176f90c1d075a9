"""Which files a data set has: the registry, lists, globs and seeded draws."""
