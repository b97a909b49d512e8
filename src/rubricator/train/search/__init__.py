"""Several kinds of model on the same folds, and the choice between them by validation."""
