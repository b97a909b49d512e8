"""Counts, intervals, losses, calibration and folds: plain arithmetic on arrays."""
