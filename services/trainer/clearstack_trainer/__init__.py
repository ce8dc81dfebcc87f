"""Trains one stage at a time, under the installation's training lock."""
