"""Photographs rendered as paintings: filters, materials, media, and the reader of painted sets."""
