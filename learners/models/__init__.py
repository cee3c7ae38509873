"""Models of ratings, centralised or each for itself: column means, factors, networks."""
