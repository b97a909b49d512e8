"""A/B tests: planned, assigned, and analysed so that looking early is safe."""
