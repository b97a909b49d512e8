"""What passes between stages, and how it lies on disk: one owner for each fact."""
