"""The graph: building, pruning, neighbours, shortest paths, search. No torch."""
