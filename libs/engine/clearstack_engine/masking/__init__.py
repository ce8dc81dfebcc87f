"""Blind spots: which pixels are hidden from the network, and what stands in their place."""
