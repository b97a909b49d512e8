"""A quick student of the model that won, and which texts it may answer alone."""
