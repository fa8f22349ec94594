"""Measurements of single experiments."""
