"""What a call, a transfer or a run ends with when it does not end well."""

import contextlib
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status


class ClearstackError(Exception):
    """Something was refused, failed or cannot be reached; as text, a sentence for a person.

    Attributes:
        message: What is wrong and what to do.
        reason: A value of `clearstack.v1.ErrorReason` without its prefix, for programs; empty = none was given.
        metadata: What belongs to the reason, for example `offset`.
        violations: What is wrong with which field of the request.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: dict[str, str] | None = None,
        violations: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = metadata or {}
        self.violations = violations or {}


class NotReachable(ClearstackError):  # noqa: N818 - what it says is the name
    """Nobody answers, or not in time."""


class RunEnded(ClearstackError):  # noqa: N818 - see above
    """A training or a denoising failed or was cancelled.

    Attributes:
        run: `trainings/{id}` or `denoisings/{id}`.
        is_cancelled: Somebody wanted it so.
    """

    def __init__(self, message: str, *, run: str, reason: str = "", is_cancelled: bool = False) -> None:
        super().__init__(message, reason=reason)
        self.run = run
        self.is_cancelled = is_cancelled


@contextlib.contextmanager
def translated(endpoint: str) -> Iterator[None]:
    """For the block, what gRPC raises becomes a `ClearstackError`."""
    try:
        yield
    except grpc.RpcError as error:
        raise from_rpc(error, endpoint) from error


def from_rpc(error: grpc.RpcError, endpoint: str) -> ClearstackError:
    """What a refused or unanswered call means."""
    code, found = status_code(error), reason(error)
    if code is grpc.StatusCode.UNAVAILABLE and not found:
        if "handshake failed" in _details_text(error):
            return NotReachable(
                f"{endpoint} answers, but no encrypted connection came about: a certificate is not trusted, or has "
                "another name. Name the file of its CA (`ca`, CLEARSTACK_CA); `client_cert` and `client_key` are yours."
            )
        return NotReachable(
            f"No installation answers at {endpoint}. "
            "See what runs with `clearstack status`, or start one with `clearstack up`."
        )
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return NotReachable(
            f"The installation at {endpoint} did not answer in time. See `clearstack status`."
        )
    wrong = violations(error)
    text = "The request was refused:" if wrong else _details_text(error)
    lines = [text or f"The call ended with {code.name if code else 'an unknown error'}."]
    lines += [f"  {field}: {description}" for field, description in wrong.items()]
    return ClearstackError("\n".join(lines), reason=found, metadata=metadata(error), violations=wrong)


def status_code(error: grpc.RpcError) -> grpc.StatusCode | None:
    """The gRPC status; None for an error that carries none."""
    return error.code() if hasattr(error, "code") else None


def reason(error: grpc.RpcError) -> str:
    """`ErrorInfo.reason`, or nothing."""
    return next((str(info.reason) for info in _infos(error)), "")


def metadata(error: grpc.RpcError) -> dict[str, str]:
    """`ErrorInfo.metadata`, or nothing."""
    return next((dict(info.metadata) for info in _infos(error)), {})


def violations(error: grpc.RpcError) -> dict[str, str]:
    """`BadRequest.field_violations` by field; nothing when the request was well-formed."""
    return {
        violation.field: violation.description
        for detail in _details(error)
        if isinstance(detail, error_details_pb2.BadRequest)
        for violation in detail.field_violations
    }


def _infos(error: grpc.RpcError) -> Iterator[Any]:
    return (each for each in _details(error) if isinstance(each, error_details_pb2.ErrorInfo))


def _details_text(error: grpc.RpcError) -> str:
    return str(error.details() or "") if hasattr(error, "details") else str(error)


def _details(error: grpc.RpcError) -> Iterator[Message]:
    status = rpc_status.from_call(error) if hasattr(error, "trailing_metadata") else None
    for packed in status.details if status else ():
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest):
            if packed.Is(kind.DESCRIPTOR):
                detail = kind()
                packed.Unpack(detail)
                yield detail
