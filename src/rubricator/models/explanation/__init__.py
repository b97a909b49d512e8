"""Which words speak for a category: exact where a model adds up words, by leaving them out elsewhere."""
