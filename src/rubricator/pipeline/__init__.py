"""The way of a text: one readable file per stage and command."""
