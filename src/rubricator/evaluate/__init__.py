"""What a model is worth: figures with intervals, latency, plots and the report."""
