"""What apply does to data and models: check, profile, split, train, predict, score."""
