"""Requests made by chance, most of them nonsense, against every call: each gets a proper answer in time."""

from pathlib import Path

import pytest
from unit.gateway.fuzzing import SERVICES, fuzz


@pytest.mark.parametrize("service", SERVICES)
async def test_nonsense_is_answered_properly(tmp_path: Path, service: str) -> None:
    """None of 300 requests is a fault of ours, and none hangs; some get through, so the rest is worth something."""
    findings = await fuzz(service, 300, tmp_path)
    assert not findings.faults, "\n".join(findings.faults[:5])
    assert sum(findings.codes.values()) == 300
    assert len(findings.codes) > 1
