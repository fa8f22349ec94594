"""Tasks, closed loop, graph walk, oracles, scores and statistics."""
