"""What a viewer is shown: squares of single slices, read out of the object store without fetching whole files."""
