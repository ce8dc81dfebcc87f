"""The errors of Clearstack: a reason from a closed enum, a sentence that a person can act on, and no transport."""

from collections.abc import Iterable, Mapping

from clearstack.v1 import error_reason_pb2
from clearstack.v1.error_reason_pb2 import ErrorReason
from clearstack.v1.stack_service_pb2 import Failure

_PREFIX = "ERROR_REASON_"


def reason_name(reason: "ErrorReason.ValueType") -> str:
    """The enum's value as it travels: without its prefix."""
    return ErrorReason.Name(reason).removeprefix(_PREFIX)


def reason_from_name(name: str) -> "ErrorReason.ValueType":
    """The enum's value of a name without prefix; INTERNAL if there is none of that name."""
    if _PREFIX + name in ErrorReason.keys():  # noqa: SIM118 - an enum wrapper is no mapping
        return ErrorReason.Value(_PREFIX + name)
    return error_reason_pb2.ERROR_REASON_INTERNAL


class ClearstackError(Exception):
    """Something that a caller should know: why, and what to do about it.

    Attributes:
        reason: A value of `ErrorReason`.
        message: One sentence for a person.
        metadata: Facts for a program, such as the offset at which an upload stands.
    """

    reason: "ErrorReason.ValueType" = error_reason_pb2.ERROR_REASON_INTERNAL

    def __init__(
        self,
        message: str,
        *,
        reason: "ErrorReason.ValueType | None" = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = dict(metadata or {})
        if reason is not None:
            self.reason = reason

    def as_failure(self) -> Failure:
        """The error as a run's record keeps it."""
        return Failure(reason=reason_name(self.reason), message=self.message)


class NotFoundError(ClearstackError):
    """The resource does not exist."""

    reason = error_reason_pb2.ERROR_REASON_RESOURCE_NOT_FOUND


class WrongStateError(ClearstackError):
    """The resource is not in a state in which this can be done."""

    reason = error_reason_pb2.ERROR_REASON_WRONG_STATE


class ConflictError(ClearstackError):
    """Somebody else changed the resource in the meantime."""

    reason = error_reason_pb2.ERROR_REASON_ETAG_MISMATCH


class BackendUnavailableError(ClearstackError):
    """The broker or the object store is away; the same call may succeed later."""

    reason = error_reason_pb2.ERROR_REASON_BACKEND_UNAVAILABLE


class InvalidFieldsError(ClearstackError):
    """One or more fields of a request are wrong.

    Attributes:
        violations: Pairs of field path and what is wrong with it.
    """

    reason = error_reason_pb2.ERROR_REASON_INVALID_FIELDS

    def __init__(self, violations: Iterable[tuple[str, str]]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{field}: {text}" for field, text in self.violations))
