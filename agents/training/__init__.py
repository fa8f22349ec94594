"""One seeded, resumable training loop and its files on disk."""
