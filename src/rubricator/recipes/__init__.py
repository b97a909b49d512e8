"""One readable file per stage, and `run.py` that strings them together."""
