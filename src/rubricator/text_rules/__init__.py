"""Rules about words, phrases, patterns and columns: written, checked and matched in one way."""
