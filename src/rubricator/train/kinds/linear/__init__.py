"""Logistic regression on TF-IDF of words and characters."""
