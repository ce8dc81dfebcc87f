"""The same suite for the fakes and for the real servers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from clearstack_common.bus import Bus
from clearstack_common.objects import ObjectStore, S3Store
from clearstack_common.settings import ServiceSettings
from contract.harness import FakeHarness, Harness, RealHarness
from contract.servers import Servers
from fakes import FakeStore


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Real servers for all tests of the suite."""
    servers = Servers(tmp_path_factory.mktemp("servers"))
    with asyncio.Runner() as runner:
        try:
            runner.run(servers.start())
            yield servers
        finally:
            runner.run(servers.stop())


@pytest.fixture(scope="session")
def server_settings(servers: Servers) -> ServiceSettings:
    """Where they are, for somebody who may do everything."""
    return servers.settings


@pytest.fixture(params=["fake", "real"])
def real(request: pytest.FixtureRequest) -> ServiceSettings | None:
    """Where the real servers are; None in the half of the tests that runs against the fakes."""
    if request.param == "fake":
        return None
    settings: ServiceSettings = request.getfixturevalue("server_settings")
    return settings


@pytest.fixture
async def harness(real: ServiceSettings | None) -> AsyncIterator[Harness]:
    """An empty broker."""
    if real is None:
        yield FakeHarness()
        return
    harness = RealHarness(real)
    yield harness
    await harness.close()


@pytest.fixture
async def bus(harness: Harness) -> Bus:
    """A connection to an empty broker."""
    return await harness.connect()


@pytest.fixture
def fake_store() -> Iterator[FakeStore]:
    """The store in memory."""
    store = FakeStore()
    yield store
    store.close()


@pytest.fixture
async def store(real: ServiceSettings | None, fake_store: FakeStore) -> ObjectStore:
    """An object store; each test has keys of its own."""
    return fake_store if real is None else await S3Store.connect(real)


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """A folder in the store that is this test's alone."""
    return f"contract/{tmp_path.parent.name}/{tmp_path.name}"
