"""Figures as PNG (or GIF) bytes; matplotlib is imported when the first one is drawn."""
