"""Entry point of the `clearstack` command."""

import io
import os
import sys


def main() -> None:
    """Runs the command line."""
    # Both must be set before gRPC is loaded: its own log lines are nothing for a microscopist, and its fork
    # handlers get in the way of starting processes.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no ■ shows something else
    from clearstack_cli.app import app  # noqa: PLC0415 - see above

    app()


if __name__ == "__main__":
    main()
