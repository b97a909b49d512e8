"""What every HTML page shares: its frame, and figures in words."""
