"""Experiments in streets."""
