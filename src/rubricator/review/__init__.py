"""People's answers: which texts are worth their minute, and what their corrections tell."""
