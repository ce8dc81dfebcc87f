"""The life of an acquisition."""

import pytest
from clearstack.v1.record_pb2 import AcquisitionRecord
from clearstack.v1.rule_service_pb2 import Acquisition, Rule
from clearstack.v1.stack_service_pb2 import Failure
from clearstack_common.errors import WrongStateError
from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.flow import Happening, advance
from hypothesis import given
from hypothesis import strategies as st

_RULE = Rule(name="rules/r", display_name="first")
_FAIL = flow.Fail(failure=Failure(message="It broke."))
_STORED = flow.Stored(result_stack="stacks/d", model="models/m", keys=("denoised/a.tif",))
_HAPPENINGS: tuple[Happening, ...] = (
    flow.Claim(rule=_RULE),
    flow.Taken(stack="stacks/s"),
    flow.Wait(reason="Too many."),
    flow.Begun(denoising="denoisings/d", model="models/m"),
    flow.Begun(training="trainings/t"),
    flow.Lost(),
    _STORED,
    _FAIL,
    flow.Retry(rule=_RULE),
)


def _after(*happenings: Happening) -> AcquisitionRecord:
    record = AcquisitionRecord(acquisition=Acquisition(name="acquisitions/a", state=flow.SETTLING))
    for happening in happenings:
        record = advance(record, happening)
    return record


def test_all_goes_well() -> None:
    """From seen to stored, with everything that was made on the way."""
    done = _after(*_HAPPENINGS[:4], _STORED).acquisition
    assert (done.state, done.attempt, done.stack) == (flow.STORED, 1, "stacks/s")
    assert (done.denoising, done.result_stack, list(done.result_keys)) == (
        "denoisings/d",
        "stacks/d",
        ["denoised/a.tif"],
    )
    assert not done.waiting_for


def test_a_rule_that_was_changed_changes_nothing_that_was_claimed() -> None:
    """But it counts for a retry."""
    record = _after(flow.Claim(rule=_RULE), _FAIL)
    assert record.rule.display_name == "first"
    assert advance(record, flow.Retry(rule=Rule(display_name="second"))).rule.display_name == "second"


def test_retry_goes_on_where_it_failed() -> None:
    """Refused by the validation: taken again. Run failed: another run. Not stored: stored again, not computed."""
    refused = _after(_HAPPENINGS[0], _FAIL, flow.Retry(rule=_RULE)).acquisition
    assert (refused.state, refused.attempt) == (flow.CLAIMED, 2)
    failed = _after(*_HAPPENINGS[:4], _FAIL, flow.Retry(rule=_RULE)).acquisition
    assert (failed.state, failed.attempt, failed.stack, failed.denoising) == (flow.READY, 2, "stacks/s", "")
    not_stored = flow.Fail(failure=Failure(message="No room."), result_stack="stacks/d")
    made = _after(*_HAPPENINGS[:4], not_stored, flow.Retry(rule=_RULE)).acquisition
    assert (made.state, made.attempt, made.denoising) == (flow.DENOISING, 1, "denoisings/d")
    assert not made.HasField("failure")


@given(choices=st.lists(st.sampled_from(_HAPPENINGS), max_size=30))
def test_no_history_breaks_it(choices: list[Happening]) -> None:
    """What cannot happen is refused and changes nothing; what is STORED stays so; a stack is there before a run."""
    record = _after()
    for happening in choices:
        before = AcquisitionRecord()
        before.CopyFrom(record)
        try:
            after = advance(record, happening)
        except WrongStateError:
            after = record
        assert record == before
        acquisition = after.acquisition
        assert before.acquisition.state != flow.STORED or after == before
        assert acquisition.stack or acquisition.state not in {flow.READY, *flow.RUNNING, flow.STORED}
        assert bool(acquisition.failure.message) == (acquisition.state == flow.FAILED)
        record = after


def test_only_what_failed_can_be_retried() -> None:
    """The refusal says so."""
    with pytest.raises(WrongStateError, match="STORED; only one that is FAILED"):
        _after(*_HAPPENINGS[:4], _STORED, flow.Retry(rule=_RULE))
