"""The files that hold a trained stage."""
