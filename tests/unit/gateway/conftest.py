"""A gateway on fakes for every test that asks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.gateway.rig import Gateway


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway with one stack, `stacks/s`; none of its loops runs yet."""
    gateway = Gateway(tmp_path)
    await gateway.ready_stack()
    yield gateway
    await gateway.stop()
    gateway.store.close()
