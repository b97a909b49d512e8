"""What to ask a model and how to read its answer: a prompt and its parser, versioned together."""
