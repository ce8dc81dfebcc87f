"""The API under attack."""

from collections.abc import Callable
from pathlib import Path

import pytest
from chaos.support.recorder import Recorder
from unit.gateway.fuzzing import SERVICES, fuzz
from unit.gateway.hostile import hostile_names
from unit.gateway.rig import Gateway
from unit.gateway.test_hostile_names import every_field


@pytest.mark.chaos_long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("service", SERVICES)
async def test_ten_thousand_requests_by_chance(
    tmp_path: Path, figure: Recorder, scaled: Callable[[int], int], service: str
) -> None:
    """Each service answers nonsense, half-sense and damaged bytes properly and in time."""
    count = scaled(10_000)
    findings = await fuzz(service, count, tmp_path)
    codes = ", ".join(f"{number} {code}" for code, number in findings.codes.most_common())
    figure(
        f"{service}Service answers whatever is sent to it",
        f"{count:,} requests by chance over all of its calls, from one seed",
        f"{len(findings.faults)} faults (INTERNAL, UNKNOWN, no answer in 10 s); {codes}",
    )
    assert not findings.faults, "\n".join(findings.faults[:5])


@pytest.mark.chaos_long
@pytest.mark.timeout(1800)
async def test_five_hundred_names_in_every_field(tmp_path: Path, figure: Recorder) -> None:
    """Each of 500 hostile names in each field of each call that takes a name."""
    gateway = Gateway(tmp_path / "gateway")
    await gateway.ready_stack()
    try:
        count = await every_field(gateway, tmp_path, hostile_names(500), share=500)
    finally:
        await gateway.stop()
        gateway.store.close()
    figure(
        "no name leads out of its place",
        f"500 names (traversal, absolute, NUL, Unicode, over-long) in every field for a name: {count:,} calls",
        "0 escapes; INVALID_ARGUMENT or NOT_FOUND each time",
    )
