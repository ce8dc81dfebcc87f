"""What the command line tells a person when something cannot be done: one sentence, and the way out."""

import grpc
from clearstack_client import errors


class CliError(Exception):
    """Ends the command with a sentence on stderr and an exit code.

    Attributes:
        message: What is wrong and what to do.
        exit_code: 1 for a failure, 2 for wrong usage, 130 for Ctrl-C.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class UsageError(CliError):
    """What was typed makes no sense, whatever the installation knows."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=2)


class Interrupted(CliError):  # noqa: N818 - Ctrl-C is a wish, not an error
    """Ctrl-C, with a sentence on what goes on and what does not."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=130)


def from_rpc(error: grpc.RpcError, endpoint: str) -> CliError:
    """The sentence for a call that the installation refused or could not answer."""
    return from_client(errors.from_rpc(error, endpoint))


def from_client(error: errors.ClearstackError) -> CliError:
    """The same for what the client says; here the fields of the configuration are written without `config.`."""
    return CliError(error.message.replace("\n  config.", "\n  "))
