"""What the ranker sees of a pair of customer and item, in training and requests alike."""
