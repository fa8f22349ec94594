"""Commands about speed, found by `plan2vec` in a checkout; see evaluation/commands."""
