"""Tells a full disk from other errors."""

import errno

_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or one that it comes from, says that a disk is full."""
    while error is not None:
        # NumPy looks for itself and raises an OSError without a number.
        if isinstance(error, OSError) and (error.errno in _ERRNOS or "free space" in str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
