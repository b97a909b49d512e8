"""Rules mined from labelled texts, and a model for what no rule takes."""
