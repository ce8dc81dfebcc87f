"""Contracts and plumbing shared by every process."""
