"""Scores of scanpaths against people: protocols, the suite, the baseline band, comparison."""
