"""The blocking client: io.py is written by hand, the rest from _async by tools/unasync.py."""
