"""From a distance to an action: forward and inverse models, lookahead, the memory of tried actions."""
