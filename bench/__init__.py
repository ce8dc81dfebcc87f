"""Measures Clearstack beside other programs; see README.md in this folder."""
