"""What a refused call says."""

from collections.abc import Callable
from dataclasses import dataclass

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A status with its details.

    Attributes:
        code: The gRPC status.
        text: For a person.
        reason: `ErrorInfo.reason`.
        metadata: `ErrorInfo.metadata`.
        fields: Names in `BadRequest.field_violations`.
    """

    code: grpc.StatusCode
    text: str
    reason: str
    metadata: dict[str, str]
    fields: list[str]


def refused(call: Callable[[], object]) -> Refusal:
    """Makes a call that must be refused."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = caught.value
    assert isinstance(error, grpc.Call)
    status = rpc_status.from_call(error)
    assert status is not None, f"no google.rpc.Status in {error!r}"
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    assert info.domain == "clearstack"
    return Refusal(
        code=error.code(),
        text=status.message,
        reason=info.reason,
        metadata=dict(info.metadata),
        fields=[violation.field for violation in bad.field_violations],
    )


def is_sentence(text: str) -> bool:
    """Whether a person can read it: words, an end, no traces of the program."""
    is_clean = not any(trace in text for trace in ("Traceback", 'File "', "Error(", "<class", "None"))
    return is_clean and len(text.split()) > 4 and text.rstrip()[-1] in ".)"
