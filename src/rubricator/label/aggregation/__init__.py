"""From the answers of several teachers to one label."""
