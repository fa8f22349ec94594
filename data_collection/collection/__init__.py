"""Collecting: rollouts in rooms, drives through streets, drags of a rope."""
