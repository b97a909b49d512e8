"""From logits to calibrated probabilities and thresholds."""
