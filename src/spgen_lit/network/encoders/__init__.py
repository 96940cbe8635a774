"""Encoders: from images to feature maps, each with the origin of its weights."""
