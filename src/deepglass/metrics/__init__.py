"""How good a network is, one short file per metric, exact over the data set and keyed by example id."""
