"""One training run, from a composed configuration to results on disk."""
