"""The life of a denoising: its ranges, its paths, and random histories."""

import pytest
from clearstack.v1.denoising_pb2 import DenoisingState
from clearstack.v1.event_pb2 import Event
from clearstack.v1.job_pb2 import Job
from clearstack.v1.record_pb2 import DenoisingRecord, Effect
from clearstack_common.errors import WrongStateError
from clearstack_gateway.workflow import Cancel, Retry
from clearstack_gateway.workflow.denoising import TERMINAL, advance, start
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.gateway.plays import FAILURE, denoising_answers, job_failed, new_denoising

LEGAL = {
    "DENOISING": {"ASSEMBLING", "FAILED", "CANCELLED"},
    "ASSEMBLING": {"REPORTING", "FAILED", "CANCELLED"},
    "REPORTING": {"COMPLETE", "CANCELLED"},
    "COMPLETE": set[str](),
    "FAILED": {"DENOISING"},
    "CANCELLED": set[str](),
}


def _name(record: DenoisingRecord) -> str:
    return DenoisingState.Name(record.denoising.state).removeprefix("DENOISING_STATE_")


def _jobs(effects: list[Effect]) -> list[Job]:
    return [effect.job for effect in effects if effect.HasField("job")]


@given(num_slices=st.integers(1, 300), side_px=st.integers(1, 300), pixels=st.integers(1, 10**6))
def test_ranges_cover_every_slice_once(num_slices: int, side_px: int, pixels: int) -> None:
    """The ranges follow one another without gap or overlap, none is empty, and all but tiny ones keep the limit."""  # spec: E4
    record, doing = start(new_denoising(num_slices, side_px=side_px), pixels)
    slices = [n for part in record.denoising.ranges for n in range(part.start, part.stop)]
    assert slices == list(range(num_slices))
    for part in record.denoising.ranges:
        assert part.stop > part.start
        assert (part.stop - part.start) * side_px**2 <= max(pixels, side_px**2)
    jobs = _jobs(doing)
    assert [(job.denoise.start, job.denoise.stop) for job in jobs] == [
        (part.start, part.stop) for part in record.denoising.ranges
    ]
    assert sorted(record.active_jobs) == sorted({job.id for job in jobs})


def _served(record: DenoisingRecord, doing: list[Effect]) -> tuple[DenoisingRecord, list[Effect]]:
    effects = list(doing)
    pending = _jobs(doing)
    while pending:
        for event in denoising_answers(pending.pop(0)):
            record, doing = advance(record, event)
            effects += doing
            pending += _jobs(doing)
    return record, effects


def test_denoising_goes_its_way() -> None:
    """All ranges, then the file, then the result as a stack with the input's properties and no old warnings."""  # spec: E4, F2
    record, effects = _served(*start(new_denoising(5), 200))
    states = [effect.event.state_changed.state for effect in effects if effect.HasField("event")]
    assert states == ["DENOISING", "ASSEMBLING", "REPORTING", "COMPLETE"]
    assert record.denoising.slices_done_count == 5
    stack = effects[-1].register_stack
    assert (stack.name, stack.object_key, stack.info.slice_count) == (
        "stacks/d",
        "results/d/denoised.tif",
        5,
    )
    assert list(stack.info.warnings) == []


def test_parts_are_joined_in_the_order_of_the_slices() -> None:
    """Whichever range is finished first, the file is put together from the first slice to the last."""  # spec: E4
    record, doing = start(new_denoising(6), 200)
    keys = [job.denoise.object_key for job in _jobs(doing)]
    for job in reversed(_jobs(doing)):
        record, doing = advance(record, denoising_answers(job)[-1])
    [assemble] = _jobs(doing)
    assert list(assemble.assemble.part_keys) == keys


def test_training_is_told_of_its_step() -> None:
    """The denoising of a training tells it the result, or why there is none."""  # spec: D6
    record, effects = _served(*start(new_denoising(2, training="trainings/t"), 10**6))
    told = effects[-1].event
    assert (told.run, told.job) == ("trainings/t", "denoisings/d")
    assert told.denoising_finished.file == record.result
    assert told.denoising_finished.result_stack == "stacks/d"
    record, doing = start(new_denoising(2, training="trainings/t"), 10**6)
    record, doing = advance(record, job_failed(record.active_jobs[0], "denoisings/d"))
    assert doing[-1].event.denoising_finished.failure == FAILURE


def test_failed_report_costs_a_note() -> None:
    """A result whose report cannot be made is complete all the same, and says what is missing."""  # spec: F3
    record, doing = start(new_denoising(2, training="trainings/t"), 10**6)
    for _ in range(2):
        record, doing = advance(record, denoising_answers(_jobs(doing)[0])[-1])
    record, doing = advance(record, job_failed(record.active_jobs[0], "denoisings/d"))
    assert _name(record) == "COMPLETE"
    assert not record.denoising.HasField("failure")
    assert FAILURE.message in record.denoising.notes[0]
    assert doing[-1].event.denoising_finished.file == record.result


def test_one_failed_range_ends_all() -> None:
    """When a range cannot be denoised the others are not awaited any more."""
    record, _ = start(new_denoising(6), 200)
    record, _ = advance(record, job_failed(record.active_jobs[1], "denoisings/d"))
    assert (_name(record), list(record.active_jobs)) == ("FAILED", [])


@settings(max_examples=2000, deadline=None)
@given(
    num_slices=st.integers(1, 9),
    pixels=st.sampled_from([100, 200, 400, 10**6]),
    steps=st.lists(st.integers(0, 2**16), max_size=40),
)
def test_no_history_breaks_the_rules(num_slices: int, pixels: int, steps: list[int]) -> None:
    """Events twice, late and shuffled: no illegal state, the input stays, no id comes twice, Cancel is a way out."""  # spec: D8, E4
    record, doing = start(new_denoising(num_slices), pixels)
    sent = [event for job in _jobs(doing) for event in denoising_answers(job)]
    ids = {job.id for job in _jobs(doing)}
    for step in steps:
        happening: Event | Cancel | Retry = sent[step % len(sent)]
        if step % 97 == 0:
            happening = Cancel()
        elif step % 83 == 0:
            happening = Retry(incarnation=f"retry{record.state_change_count}")
        elif step % 89 == 0 and record.active_jobs:
            happening = job_failed(record.active_jobs[0], "denoisings/d")
        before = record.SerializeToString(deterministic=True)
        try:
            after, doing = advance(record, happening)
        except WrongStateError:
            assert isinstance(happening, Retry) or record.denoising.state in TERMINAL
            continue
        assert record.SerializeToString(deterministic=True) == before
        _check(record, after)
        assert not {job.id for job in _jobs(doing)} & ids
        ids |= {job.id for job in _jobs(doing)}
        if isinstance(happening, Event):
            assert advance(after, happening) == (after, [])
        sent += [event for job in _jobs(doing) for event in denoising_answers(job)]
        record = after


def _check(before: DenoisingRecord, after: DenoisingRecord) -> None:
    assert _name(after) == _name(before) or _name(after) in LEGAL[_name(before)]
    done = before.denoising.slices_done_count if before.denoising.state not in TERMINAL else 0
    assert done <= after.denoising.slices_done_count <= after.denoising.slice_count
    if after.denoising.state in TERMINAL:
        assert list(after.active_jobs) == []
        with pytest.raises(WrongStateError):
            advance(after, Cancel())
    else:
        assert after.active_jobs
        assert _name(advance(after, Cancel())[0]) == "CANCELLED"
