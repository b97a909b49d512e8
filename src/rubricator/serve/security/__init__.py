"""Who may ask, over which connection, and what every answer carries."""
