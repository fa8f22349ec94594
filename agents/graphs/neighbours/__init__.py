"""Which vertices are near one another: by a tree, by blocks of vertices, or by faiss."""
