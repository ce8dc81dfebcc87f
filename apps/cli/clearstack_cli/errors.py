"""What the command line tells a person when something cannot be done: one sentence, and the way out."""

from collections.abc import Iterable, Iterator
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status


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
    code = status_code(error)
    if code is grpc.StatusCode.UNAVAILABLE and not reason(error):
        if "handshake failed" in _text(error):
            return CliError(
                f"{endpoint} answers, but no encrypted connection came about. A certificate is not trusted, or has another "
                "name: CLEARSTACK_CA names the file of its CA; CLEARSTACK_CLIENT_CERT and CLEARSTACK_CLIENT_KEY are yours."
            )
        return CliError(
            f"No installation answers at {endpoint}. "
            "See what runs with `clearstack status`, or start one with `clearstack up`."
        )
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return CliError(f"The installation at {endpoint} did not answer in time. See `clearstack status`.")
    text = _text(error) or f"The call ended with {code.name if code else 'an unknown error'}."
    return CliError("\n".join([text, *_violations(error)]))


def status_code(error: grpc.RpcError) -> grpc.StatusCode | None:
    """The gRPC status; None for an error that carries none."""
    return error.code() if isinstance(error, grpc.Call) else None


def reason(error: grpc.RpcError) -> str:
    """`ErrorInfo.reason`, or nothing."""
    for detail in _details(error):
        if isinstance(detail, error_details_pb2.ErrorInfo):
            return str(detail.reason)
    return ""


def metadata(error: grpc.RpcError) -> dict[str, str]:
    """`ErrorInfo.metadata`, or nothing."""
    for detail in _details(error):
        if isinstance(detail, error_details_pb2.ErrorInfo):
            return dict(detail.metadata)
    return {}


def _text(error: grpc.RpcError) -> str:
    if any(_violations(error)):
        return "The request was refused:"
    return str(error.details() or "") if isinstance(error, grpc.Call) else str(error)


def _violations(error: grpc.RpcError) -> Iterator[str]:
    for detail in _details(error):
        if isinstance(detail, error_details_pb2.BadRequest):
            for violation in detail.field_violations:
                # On the command line the fields of the configuration are written without `config.`.
                yield f"  {violation.field.removeprefix('config.')}: {violation.description}"


def _details(error: grpc.RpcError) -> Iterator[Message]:
    status = rpc_status.from_call(error) if isinstance(error, grpc.Call) else None
    packed_details: Iterable[Any] = status.details if status else ()
    for packed in packed_details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest):
            if packed.Is(kind.DESCRIPTOR):
                detail = kind()
                packed.Unpack(detail)
                yield detail
