"""Commands about the paper, one file each; see evaluation/commands."""
