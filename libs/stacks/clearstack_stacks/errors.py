"""The one exception of this library: a stack that Clearstack can't take, and why."""

from __future__ import annotations

from typing import Final

NOT_A_TIFF: Final = "NOT_A_TIFF"
TRUNCATED: Final = "TRUNCATED"
UNSUPPORTED_AXES: Final = "UNSUPPORTED_AXES"
UNSUPPORTED_DTYPE: Final = "UNSUPPORTED_DTYPE"
NOT_FINITE: Final = "NOT_FINITE"
CONSTANT: Final = "CONSTANT"
TOO_SMALL: Final = "TOO_SMALL"
EMPTY: Final = "EMPTY"
TOO_LARGE: Final = "TOO_LARGE"
UNREADABLE: Final = "UNREADABLE"

REASONS: Final = frozenset(
    {
        NOT_A_TIFF,
        TRUNCATED,
        UNSUPPORTED_AXES,
        UNSUPPORTED_DTYPE,
        NOT_FINITE,
        CONSTANT,
        TOO_SMALL,
        EMPTY,
        TOO_LARGE,
        UNREADABLE,
    },
)


class StackRefused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """A stack was refused.

    Attributes:
        reason: one of `REASONS`, for programs.
        message: a sentence or two for the microscopist: what was found, and the way out.
    """

    def __init__(self, reason: str, message: str) -> None:
        if reason not in REASONS:
            raise ValueError(f"{reason!r} is not a reason for a refusal")
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
