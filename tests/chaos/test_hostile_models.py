"""Models made to harm: each is refused with its reason; nothing in them is run, and nobody is killed by them."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos.hostile import bioimageio
from chaos.hostile.case import Case, spread
from chaos.hostile.model_trial import Outcome, hostile_models, try_models
from chaos.support.recorder import Recorder

# Processor time: on a machine with other work, the wall clock is that of the others.
MAX_CPU_S = 5.0
MAX_PEAK_BYTES = 512 << 20
HOW = "code in pickles in every form, archives that swell, lie or lead elsewhere, impossible tensors, masks and configurations, packages of bioimage.io"


def flaws(outcome: Outcome) -> list[str]:
    """What is wrong with how a model ended."""
    found = []
    if outcome.deeds:
        found.append(f"was run: {outcome.deeds}")
    if outcome.status:
        found.append(f"ended its reader with {outcome.status}")
    if outcome.reason not in {"MODEL_MISMATCH", "MODEL_UNREADABLE"} or len(outcome.message.split()) < 4:
        found.append(f"has no proper reason: {outcome.reason!r} {outcome.message!r}")
    if outcome.cpu_s > MAX_CPU_S:
        found.append(f"took {outcome.cpu_s:.1f} s")
    if outcome.peak_bytes > MAX_PEAK_BYTES:
        found.append(f"took {outcome.peak_bytes >> 20} MB")
    return [f"{outcome.case} {flaw}" for flaw in found]


def check(cases: list[Case], folder: Path, figure: Recorder) -> None:
    """Every model ends as it should."""
    outcomes = list(try_models(cases, folder, num_workers=2))
    found = [flaw for outcome in outcomes for flaw in flaws(outcome)]
    cpu_s, peak = max(each.cpu_s for each in outcomes), max(each.peak_bytes for each in outcomes)
    figure(
        "a hostile model is refused with its reason, nothing in it is run",
        f"{len(outcomes)} models: {HOW}",
        f"{len(found)} exceptions; at most {cpu_s:.1f} s of processor time and {peak >> 20} MB each",
    )
    assert found == []


def test_the_model_beneath_is_taken(tmp_path: Path) -> None:
    """A model that nobody has tampered with ends as the others do not: accepted."""
    (outcome,) = try_models([bioimageio.harmless()], tmp_path, num_workers=1)
    assert (outcome.reason, outcome.status, outcome.deeds) == ("", 0, "")


def test_hostile_models_of_every_family(tmp_path: Path, figure: Recorder) -> None:
    """The short form: 70 models from all families."""  # spec: E2
    check(spread(hostile_models(), 70), tmp_path, figure)


@pytest.mark.chaos_long
@pytest.mark.timeout(3600)
def test_all_hostile_models(tmp_path: Path, figure: Recorder) -> None:
    """The long form: all there are."""  # spec: E2
    cases = hostile_models()
    assert len(cases) > 200
    check(cases, tmp_path, figure)
