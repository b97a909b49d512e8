"""From teachers' answers to labels."""
