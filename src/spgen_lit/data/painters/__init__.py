"""Painters: what the families of painted renditions are made of, one noun a file."""
