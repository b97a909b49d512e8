"""Rubricator in Python: a classifier like scikit-learn's, and the pipeline stage by stage."""
