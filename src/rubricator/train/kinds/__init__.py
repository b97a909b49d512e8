"""One trainer per kind of model."""
