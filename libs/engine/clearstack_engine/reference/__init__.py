"""Models of the autoStructN2V reference implementation: read, and applied as they are applied there."""
