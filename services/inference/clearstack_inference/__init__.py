"""Denoises slice ranges and puts the result file together."""
