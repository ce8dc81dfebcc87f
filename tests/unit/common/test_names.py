"""Ids, envelopes, subjects, JSON, errors."""

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack.v1.error_reason_pb2 import ErrorReason
from clearstack.v1.event_pb2 import Event, StateChanged
from clearstack.v1.job_pb2 import ExtractMask, Job
from clearstack.v1.stack_service_pb2 import Failure
from clearstack_common import ids, protojson, subjects
from clearstack_common.bus.envelope import event_headers, job_headers
from clearstack_common.errors import (
    BackendUnavailableError,
    InvalidFieldsError,
    WrongStateError,
    reason_from_name,
    reason_name,
)
from google.protobuf.json_format import ParseError

_JOB = Job(id="r.mask.revision1.extract", run="trainings/r", extract=ExtractMask(revision=1))


def test_request_id_makes_the_id() -> None:
    """The same request id gives the same id for the same kind, another one for another kind."""
    assert ids.new_id("stacks", "abc") == ids.new_id("stacks", "abc")
    assert len({ids.new_id(kind, text) for kind in ("stacks", "trainings") for text in ("abc", "abd")}) == 4


def test_ids_are_short_unique_and_fit_for_subjects() -> None:
    """An id is twelve lower-case letters and digits, so that it can stand in a subject and in a key."""
    made = {ids.new_id("stacks") for _ in range(1000)} | {ids.new_id("stacks", "é . * >")}
    assert len(made) == 1001
    assert all(
        (len(each) == 12 and each.isascii() and each.isalnum() and each.islower()) or each.isdigit()
        for each in made
    )


def test_job_has_cloudevents_headers() -> None:
    """A job says what it is in the headers of CloudEvents 1.0, and its id keeps it from being queued twice."""
    assert job_headers(_JOB, "") == {
        "Nats-Msg-Id": _JOB.id,
        "ce-specversion": "1.0",
        "ce-id": _JOB.id,
        "ce-source": "/clearstack",
        "ce-type": "clearstack.v1.job.extract",
        "ce-subject": "trainings/r",
        "content-type": "application/json",
    }


def test_event_has_its_time_in_the_headers() -> None:
    """An event says its kind, its time, and the span in which it was published."""
    event = Event(id="r.state.1", run="trainings/r", state_changed=StateChanged(state="QUEUED"))
    event.time.FromSeconds(0)
    headers = event_headers(event, "00-aa-bb-01")
    assert (headers["ce-type"], headers["ce-time"], headers["ce-traceparent"]) == (
        "clearstack.v1.event.state_changed",
        "1970-01-01T00:00:00Z",
        "00-aa-bb-01",
    )


def test_subjects_hold_kind_and_run() -> None:
    """A subject names the kind first and the run's id last, so that either can be asked for."""
    event = Event(run="denoisings/d-stage1", state_changed=StateChanged())
    assert subjects.job_subject(_JOB) == "clearstack.cmd.extract.r"
    assert subjects.event_subject(event) == "clearstack.evt.state_changed.d-stage1"
    assert subjects.events_of("denoisings/d-stage1") == "clearstack.evt.*.d-stage1"
    assert subjects.events_of_kind("state_changed") == "clearstack.evt.state_changed.*"
    assert subjects.jobs_with("extract") == "clearstack.cmd.extract.*"


def test_json_comes_back() -> None:
    """What was encoded is what is decoded."""
    assert protojson.decode(protojson.encode(_JOB), Job) == _JOB


def test_unknown_fields_are_left_out() -> None:
    """A record of a later version can be read."""
    assert protojson.decode(b'{"id": "a", "invented_later": {"x": 1}}', Job) == Job(id="a")


@pytest.mark.parametrize("data", [b"", b"not json", b"[1]", b'{"id": 7.5}', b"\xff\xfe"])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    """Data that cannot be read raises the one error that the consumers expect."""
    with pytest.raises(ParseError):
        protojson.decode(data, Job)


def test_reason_goes_there_and_back() -> None:
    """Every reason has a name without prefix; an unknown name is INTERNAL."""
    for value in ErrorReason.values():
        assert reason_from_name(reason_name(value)) == value
    assert reason_name(error_reason_pb2.ERROR_REASON_WRONG_STATE) == "WRONG_STATE"
    assert reason_from_name("INVENTED_LATER") == error_reason_pb2.ERROR_REASON_INTERNAL


def test_error_becomes_a_failure() -> None:
    """A run's record keeps the reason's name and the sentence."""
    failure = BackendUnavailableError("It is away.").as_failure()
    assert failure == Failure(reason="BACKEND_UNAVAILABLE", message="It is away.")
    given = WrongStateError("x", reason=error_reason_pb2.ERROR_REASON_IN_USE)
    assert given.as_failure().reason == "IN_USE"
    assert WrongStateError.reason == error_reason_pb2.ERROR_REASON_WRONG_STATE


def test_wrong_fields_are_one_sentence() -> None:
    """The text of an error about fields names them all."""
    error = InvalidFieldsError([("a", "is 1"), ("b", "is 2")])
    assert error.message == "a: is 1; b: is 2"
