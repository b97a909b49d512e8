"""The page of monitoring."""
