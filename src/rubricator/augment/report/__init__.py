"""The page that says what synthetic texts were made, which were kept, and why."""
