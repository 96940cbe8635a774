"""Encoder, priors, noise, fixation maps, and the networks made of them."""
