"""What follows what in the life of a run: pure functions, the only place where it is written."""

from clearstack_gateway.workflow.decisions import (
    Approve,
    Cancel,
    Decision,
    Grant,
    Regenerate,
    Resume,
    Retry,
    SetAutoApprove,
    SkipStageTwo,
)

__all__ = [
    "Approve",
    "Cancel",
    "Decision",
    "Grant",
    "Regenerate",
    "Resume",
    "Retry",
    "SetAutoApprove",
    "SkipStageTwo",
]
