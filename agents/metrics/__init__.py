"""Learned distances: the local metric d, the global metric D, and what they are made of."""
