"""Finds the structured-noise mask after stage 1."""
