"""Runs beside one another on the same texts."""
