"""Models as they are served: arrays and the arithmetic from texts to logits. Imports no torch."""
