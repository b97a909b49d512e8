"""Training: models on vectors or on words, calibration, thresholds, and the choice between them."""
