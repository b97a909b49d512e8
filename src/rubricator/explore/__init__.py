"""What texts are like before anybody trains on them: their profile, their map, and what will do harm."""
