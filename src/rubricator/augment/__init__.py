"""Synthetic texts for rare categories: written by language models from real training texts, and judged."""
