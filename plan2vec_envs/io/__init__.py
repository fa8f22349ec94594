"""Files, folders, archives and hashes."""
