"""Global metrics that keep a table of latents: in closed form, found by anchors or by a classifier."""
