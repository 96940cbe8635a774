"""A trained network as graphs that run without torch."""
