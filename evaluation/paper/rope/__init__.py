"""Experiments on the rope."""
