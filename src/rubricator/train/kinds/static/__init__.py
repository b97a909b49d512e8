"""A classifier on static embeddings distilled from the encoder."""
