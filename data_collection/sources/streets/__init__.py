"""Street graphs and pictures of others as world files."""
