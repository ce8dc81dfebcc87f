"""The whole installation on one machine: broker, store and services as child processes."""
