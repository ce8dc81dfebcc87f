"""A port of an installation's own: several that start at once on a busy machine may find the same one free."""

import socket


def own_port() -> tuple[str, str]:
    """The option of `clearstack up`, with a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "--port", str(probe.getsockname()[1])
