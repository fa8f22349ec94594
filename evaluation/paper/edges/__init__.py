"""Whether the edges of a graph are true, where the world is known."""
