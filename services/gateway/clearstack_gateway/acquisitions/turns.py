"""Whose turn it is: of all acquisitions that are not over, those for which something can be done now.

Each rule's are claimed and begun in order of arrival. Few are taken ahead of their runs, and few runs are begun at once,
so that a night's worth of acquisitions leaves room for whoever works with the installation meanwhile. Pure.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby

from clearstack.v1.record_pb2 import AcquisitionRecord
from clearstack.v1.rule_service_pb2 import Acquisition, Rule
from clearstack_common.bus import StoredRecord

from clearstack_gateway.acquisitions import flow

# Of one rule: enough to keep the workers busy.
MOST_AHEAD = 8
MOST_RUNS = 16
# Of all rules: each reads a whole file in a process of its own.
MOST_TAKEN_AT_ONCE = 2

Entry = StoredRecord[AcquisitionRecord]


class Verb(Enum):
    """What can be done."""

    WITHDRAW = auto()
    CLAIM = auto()
    TAKE = auto()
    BEGIN = auto()
    FINISH = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done with whom."""

    verb: Verb
    entry: Entry


def arrival(acquisition: Acquisition) -> tuple[int, str, str]:
    """The place of an acquisition among its rule's."""
    return acquisition.arrive_time.ToNanoseconds(), acquisition.key, acquisition.name


def turns(
    entries: Iterable[Entry],
    rules: Mapping[str, Rule],
    *,
    busy: AbstractSet[str],
    is_run_over: Callable[[Acquisition], bool],
    now_ns: int,
) -> Sequence[Step]:
    """The steps that can be made now, of each acquisition one at most.

    Args:
        entries: All that are not over.
        rules: By name, as they are now.
        busy: Ids of those with which something is being done, or that rest after an outage.
        is_run_over: Whether an acquisition's training or denoising has come to an end.
        now_ns: Of the clock that has also set `see_time`.
    """
    by_rule = sorted(entries, key=lambda each: (each.value.acquisition.rule, arrival(each.value.acquisition)))
    steps: list[Step] = []
    taking = sum(each.value.acquisition.state == flow.CLAIMED and each.id in busy for each in by_rule)
    for name, group in groupby(by_rule, key=lambda each: each.value.acquisition.rule):
        line = _Line(rules.get(name), list(group), now_ns)
        for step in line.steps(is_run_over):
            taking += step.verb is Verb.TAKE and step.entry.id not in busy
            if step.entry.id not in busy and (step.verb is not Verb.TAKE or taking <= MOST_TAKEN_AT_ONCE):
                steps.append(step)
    return steps


class _Line:
    """The acquisitions of one rule, in order of arrival."""

    def __init__(self, rule: Rule | None, entries: Sequence[Entry], now_ns: int) -> None:
        states = [each.value.acquisition.state for each in entries]
        self._rule = rule
        self._entries = entries
        self._now_ns = now_ns
        self._ahead = sum(state in {flow.CLAIMED, flow.READY} for state in states)
        self._may_begin = sum(state in flow.RUNNING for state in states) < MOST_RUNS
        self._may_claim = True

    def steps(self, is_run_over: Callable[[Acquisition], bool]) -> Iterable[Step]:
        """What could be done, if nobody were busy."""
        for entry in self._entries:
            acquisition = entry.value.acquisition
            if acquisition.state == flow.SETTLING:
                yield from self._settling(entry)
            elif acquisition.state == flow.CLAIMED:
                self._may_begin = False  # those behind it wait until it is known what it is
                yield Step(Verb.TAKE, entry)
            elif acquisition.state == flow.READY and self._may_begin:
                self._may_begin = False
                yield Step(Verb.BEGIN, entry)
            elif acquisition.state in flow.RUNNING and is_run_over(acquisition):
                yield Step(Verb.FINISH, entry)

    def _settling(self, entry: Entry) -> Iterable[Step]:
        if self._rule is None:
            yield Step(Verb.WITHDRAW, entry)
            return
        seen_ns = entry.value.acquisition.see_time.ToNanoseconds()
        settled = seen_ns + self._rule.settle_time.ToNanoseconds() <= self._now_ns
        if self._rule.disabled or not settled or self._ahead >= MOST_AHEAD:
            self._may_claim = False  # nor those that came after it
        if self._may_claim:
            self._ahead += 1
            yield Step(Verb.CLAIM, entry)
