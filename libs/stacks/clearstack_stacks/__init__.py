"""TIFF stacks in and out: validation, slices, metadata, previews, samples."""
