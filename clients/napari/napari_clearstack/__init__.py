"""Denoise the current napari layer with an installation of Clearstack."""
