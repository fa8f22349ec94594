"""First-person views of street graphs: drawn, never photographed."""
