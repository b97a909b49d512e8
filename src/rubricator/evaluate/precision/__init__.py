"""In which precision an encoder is served: what each costs in decisions, and what it saves in time."""
