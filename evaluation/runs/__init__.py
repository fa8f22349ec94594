"""Runs on disk: folders, jobs, their clock, and rows that are judged wherever an engine runs them."""
