"""What was served is logged, compared with a reference, and alarms when it has changed."""
