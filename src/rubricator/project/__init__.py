"""Rubricator in Python: a classifier like scikit-learn's."""
