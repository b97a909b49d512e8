"""Numbered steps from a blank database to the newest tables; append-only."""
