"""Where patches come from, and which pixels are kept back for validation."""
