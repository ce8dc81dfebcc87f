"""The life of an acquisition, on one page: what may happen to it in which state, and what becomes of it.

    SETTLING ─Claim→ CLAIMED ─Taken→ READY ─Begun→ TRAINING | DENOISING ─Stored→ STORED
                        └────────────┴── Fail ──────┴→ FAILED ─Retry→ where it failed

Pure: no clock, no broker. `turns` says whose turn it is.
"""

from dataclasses import dataclass

from clearstack.v1 import rule_service_pb2 as pb
from clearstack.v1.record_pb2 import AcquisitionRecord
from clearstack.v1.rule_service_pb2 import AcquisitionState, Rule
from clearstack.v1.stack_service_pb2 import Failure
from clearstack_common.errors import WrongStateError

SETTLING = pb.ACQUISITION_STATE_SETTLING
CLAIMED = pb.ACQUISITION_STATE_CLAIMED
READY = pb.ACQUISITION_STATE_READY
TRAINING = pb.ACQUISITION_STATE_TRAINING
DENOISING = pb.ACQUISITION_STATE_DENOISING
STORED = pb.ACQUISITION_STATE_STORED
FAILED = pb.ACQUISITION_STATE_FAILED

OVER = frozenset({STORED, FAILED})
RUNNING = frozenset({TRAINING, DENOISING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """It has settled: it is dealt with as the rule says now."""

    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """It was copied and validated, and is a stack."""

    stack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """It cannot go on yet, for a reason that a person should know."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Its run was made: a training, or a denoising with a model that is there."""

    training: str = ""
    denoising: str = ""
    model: str = ""
    model_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """There is no record of its denoising: the broker has lost it, and what was rebuilt is a moment older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Its result is where the rule wants it."""

    result_stack: str
    model: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """It cannot go on; `result_stack` if it failed with the result already made."""

    failure: Failure
    result_stack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A person wants it tried again, as the rule says now."""

    rule: Rule


Happening = Claim | Taken | Wait | Begun | Lost | Stored | Fail | Retry

_WHEN: dict[type[Happening], frozenset["AcquisitionState.ValueType"]] = {
    Claim: frozenset({SETTLING}),
    Taken: frozenset({CLAIMED}),
    Wait: frozenset({CLAIMED, READY}),
    Begun: frozenset({READY}),
    Lost: frozenset({DENOISING}),
    Stored: RUNNING,
    Fail: RUNNING | {CLAIMED, READY},
    Retry: frozenset({FAILED}),
}


def state_name(state: "AcquisitionState.ValueType") -> str:
    """The state without its prefix."""
    return AcquisitionState.Name(state).removeprefix("ACQUISITION_STATE_")


def advance(record: AcquisitionRecord, happening: Happening) -> AcquisitionRecord:
    """The record after something has happened; the one that was given stays as it is.

    Raises:
        WrongStateError: That cannot happen in its state: it has moved on, or was retried already.
    """
    state = record.acquisition.state
    if state not in _WHEN[type(happening)]:
        raise WrongStateError(
            f"The acquisition is {state_name(state)}; only one that is FAILED can be retried."
        )
    after = AcquisitionRecord()
    after.CopyFrom(record)
    acquisition = after.acquisition
    acquisition.waiting_for = ""
    match happening:
        case Claim(rule=rule):
            acquisition.state, acquisition.attempt = CLAIMED, 1
            after.rule.CopyFrom(rule)
        case Taken(stack=stack):
            acquisition.state, acquisition.stack = READY, stack
        case Wait(reason=reason):
            acquisition.waiting_for = reason
        case Begun():
            acquisition.state = TRAINING if happening.training else DENOISING
            acquisition.training, acquisition.denoising = happening.training, happening.denoising
            acquisition.model, acquisition.model_reason = happening.model, happening.model_reason
        case Lost():
            acquisition.state = READY
        case Stored():
            acquisition.state = STORED
            acquisition.result_stack, acquisition.model = happening.result_stack, happening.model
            acquisition.result_keys[:] = happening.keys
        case Fail():
            acquisition.state, acquisition.result_stack = FAILED, happening.result_stack
            acquisition.failure.CopyFrom(happening.failure)
        case Retry(rule=rule):
            after.rule.CopyFrom(rule)
            _again(after)
    return after


def _again(record: AcquisitionRecord) -> None:
    """Back to the step that failed: what was made by the others is kept, and all that is new gets new ids."""
    acquisition = record.acquisition
    acquisition.ClearField("failure")
    acquisition.ClearField("end_time")
    if acquisition.result_stack:
        acquisition.state = TRAINING if acquisition.training else DENOISING
        return
    acquisition.attempt += 1
    acquisition.state = READY if acquisition.stack else CLAIMED
    for field in ("training", "denoising", "model", "model_reason"):
        acquisition.ClearField(field)
