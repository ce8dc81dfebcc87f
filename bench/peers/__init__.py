"""What runs in the environment of the peers, bench/.venv-peers, and imports nothing of Clearstack."""
