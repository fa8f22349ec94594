"""Experiments: an open folder, one table or figure of the paper a file; each registers one id."""
