"""Readers, images, the gallery, the painter, and what batches are made of."""
