"""Figures of predictions beside the truth."""
