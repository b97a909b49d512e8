"""Changes of a text that need no language model: what people and keyboards do to it anyway."""
