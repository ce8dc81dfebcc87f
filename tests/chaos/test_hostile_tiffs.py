"""Files made to harm: each is refused with its reason, or read to the last pixel, within five seconds and half a gigabyte."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos.hostile.case import Case, spread
from chaos.hostile.tiffs import hostile_tiffs
from chaos.hostile.trial import Outcome, try_all
from chaos.support.recorder import Recorder
from clearstack_stacks.errors import REASONS

# Processor time: on a machine with other work, the wall clock is that of the others.
MAX_CPU_S = 5.0
MAX_PEAK_BYTES = 512 << 20
HOW = "pages in circles, impossible sizes, swelling pixels, lying texts, cuts and random damage to every kind of good file"
# Slow to build.
SLOW_FAMILIES = {"bombs"}


def flaws(outcome: Outcome) -> list[str]:
    """What is wrong with how a file ended."""
    found = []
    if outcome.reason:
        if outcome.reason not in REASONS or len(outcome.message.split()) < 5:
            found.append(f"has no proper reason: {outcome.reason} {outcome.message!r}")
    elif outcome.must_be_refused:
        found.append("was accepted")
    elif not outcome.is_readable:
        found.append(f"was accepted, but {outcome.message}")
    if outcome.cpu_s > MAX_CPU_S:
        found.append(f"took {outcome.cpu_s:.1f} s")
    if outcome.peak_bytes > MAX_PEAK_BYTES:
        found.append(f"took {outcome.peak_bytes >> 20} MB")
    return [f"{outcome.case} {flaw}" for flaw in found]


def check(cases: list[Case], folder: Path, figure: Recorder) -> None:
    """Every file ends as it should."""
    outcomes = list(try_all(cases, folder, num_workers=2))
    found = [flaw for outcome in outcomes for flaw in flaws(outcome)]
    cpu_s, peak = max(each.cpu_s for each in outcomes), max(each.peak_bytes for each in outcomes)
    num_refused = sum(bool(each.reason) for each in outcomes)
    figure(
        "a hostile TIFF is refused with its reason, or read to the last pixel",
        f"{len(outcomes)} files: {HOW}",
        f"{num_refused} refused, {len(found)} exceptions; at most {cpu_s:.1f} s of processor time and {peak >> 20} MB each",
    )
    assert found == []


def test_hostile_files_of_every_family(tmp_path: Path, figure: Recorder) -> None:
    """The short form: 100 files from all families that are quick to build."""  # spec: B5
    cases = [
        case
        for case in hostile_tiffs(200)
        if case.family not in SLOW_FAMILIES and "50,000 pages" not in case.name
    ]
    check(spread(cases, 100), tmp_path, figure)


@pytest.mark.chaos_long
@pytest.mark.timeout(7200)
def test_all_hostile_files(tmp_path: Path, figure: Recorder) -> None:
    """The long form: all there are, and more random damage."""  # spec: B5
    cases = hostile_tiffs(600)
    assert len(cases) > 1000
    check(cases, tmp_path, figure)
