"""How to reach a model. Engines know nothing of categories."""
