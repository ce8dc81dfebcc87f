"""Whose turn it is."""

from clearstack.v1.record_pb2 import AcquisitionRecord
from clearstack.v1.rule_service_pb2 import Acquisition, AcquisitionState, Rule
from clearstack_common.bus import StoredRecord
from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.turns import MOST_AHEAD, MOST_TAKEN_AT_ONCE, Entry, Step, Verb, turns
from hypothesis import given
from hypothesis import strategies as st

_SETTLE_S = 10
_STATES = (flow.SETTLING, flow.CLAIMED, flow.READY, flow.TRAINING, flow.DENOISING)
_lines = st.lists(st.tuples(st.sampled_from(_STATES), st.integers(0, 30), st.booleans()), max_size=40)


def _entry(number: int, state: "AcquisitionState.ValueType", seen_s: int = 0, rule: str = "r") -> Entry:
    acquisition = Acquisition(
        name=f"acquisitions/a{number:03d}", rule=f"rules/{rule}", key=f"{number:03d}.tif", state=state
    )
    acquisition.arrive_time.seconds = number
    acquisition.see_time.seconds = seen_s
    return StoredRecord(id=f"a{number:03d}", value=AcquisitionRecord(acquisition=acquisition), revision=1)


def _rule(*, disabled: bool = False) -> Rule:
    rule = Rule(name="rules/r", disabled=disabled)
    rule.settle_time.seconds = _SETTLE_S
    return rule


def _turns(
    entries: list[Entry], now_s: int = 100, *, busy: frozenset[str] = frozenset(), **rules: Rule
) -> list[Step]:
    by_name = {f"rules/{name}": rule for name, rule in ({"r": _rule()} | rules).items()}
    return list(turns(entries, by_name, busy=busy, is_run_over=lambda _: True, now_ns=now_s * 10**9))


def _names(steps: list[Step]) -> list[tuple[Verb, int]]:
    return [(step.verb, int(step.entry.id[1:])) for step in steps]


def test_what_has_not_settled_waits_and_so_does_what_came_later() -> None:
    """Claims follow the order of arrival, also when a file was seen late."""
    entries = [_entry(1, flow.SETTLING, 89), _entry(2, flow.SETTLING, 95), _entry(3, flow.SETTLING, 80)]
    assert _names(_turns(entries)) == [(Verb.CLAIM, 1)]
    assert _names(_turns(entries, 105)) == [(Verb.CLAIM, 1), (Verb.CLAIM, 2), (Verb.CLAIM, 3)]


def test_only_a_few_are_claimed_ahead() -> None:
    """The rest waits in the ledger."""
    entries = [_entry(number, flow.SETTLING) for number in range(50)]
    assert _names(_turns(entries)) == [(Verb.CLAIM, number) for number in range(MOST_AHEAD)]


def test_nobody_overtakes_one_that_is_being_taken() -> None:
    """The second is ready, the first not yet: it waits."""
    entries = [_entry(1, flow.CLAIMED), _entry(2, flow.READY)]
    assert _names(_turns(entries)) == [(Verb.TAKE, 1)]
    assert _names(_turns([_entry(1, flow.READY), _entry(2, flow.READY)])) == [(Verb.BEGIN, 1)]
    assert not _turns([_entry(1, flow.READY), _entry(2, flow.READY)], busy=frozenset({"a001"}))


def test_rules_do_not_wait_for_each_other() -> None:
    """What holds one rule up does not hold up another."""
    entries = [_entry(1, flow.CLAIMED), _entry(2, flow.READY, rule="q")]
    assert _names(_turns(entries, q=_rule())) == [(Verb.BEGIN, 2), (Verb.TAKE, 1)]


def test_a_rule_that_is_off_or_gone_begins_nothing() -> None:
    """What waits stays, or is let go; what was begun goes on."""
    entries = [_entry(1, flow.DENOISING), _entry(2, flow.SETTLING)]
    assert _names(_turns(entries, r=_rule(disabled=True))) == [(Verb.FINISH, 1)]
    gone = turns(entries, {}, busy=frozenset(), is_run_over=lambda _: True, now_ns=0)
    assert _names(list(gone)) == [(Verb.FINISH, 1), (Verb.WITHDRAW, 2)]


@given(line=_lines)
def test_order_and_limits_hold_whatever_the_line(line: list[tuple[int, int, bool]]) -> None:
    """Of each one step at most, none of who is busy; claims and beginnings in order; never too many at once."""
    entries = [
        _entry(number, AcquisitionState.ValueType(state), seen)
        for number, (state, seen, _) in enumerate(line)
    ]
    busy = frozenset(f"a{number:03d}" for number, (*_, is_busy) in enumerate(line) if is_busy)
    steps = _turns(entries, 25, busy=busy)
    ids = [step.entry.id for step in steps]
    assert len(set(ids)) == len(ids)
    assert not busy & set(ids)
    states = {entry.id: entry.value.acquisition.state for entry in entries}
    claims = [step.entry.id for step in steps if step.verb is Verb.CLAIM]
    for claim in claims:
        earlier = [its_id for its_id, state in states.items() if its_id < claim and state == flow.SETTLING]
        assert set(earlier) <= {*claims, *busy}
    begun = [step.entry.id for step in steps if step.verb is Verb.BEGIN]
    assert len(begun) <= 1
    assert not [
        its_id for its_id, state in states.items() if begun and its_id < begun[0] and state == flow.CLAIMED
    ]
    taking = [step for step in steps if step.verb is Verb.TAKE]
    busy_taking = [its_id for its_id in busy if states[its_id] == flow.CLAIMED]
    assert len(taking) <= max(0, MOST_TAKEN_AT_ONCE - len(busy_taking))
