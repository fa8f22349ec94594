"""Baselines: an open folder, one agent a file; each registers one name (`agents.base.registry`)."""
