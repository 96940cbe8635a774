"""Readers: one file a format, each giving a `GazeSet` of scanpaths in relative coordinates."""
