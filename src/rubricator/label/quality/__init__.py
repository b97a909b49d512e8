"""What teachers and labels are worth."""
