from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from clearstack_client import Client
from unit.cli.fake_gateway import FakeGateway, serve


@pytest.fixture
def gateway() -> FakeGateway:
    """What is behind the endpoint."""
    return FakeGateway()


@pytest.fixture
def endpoint(gateway: FakeGateway) -> Iterator[str]:
    """Where the fake gateway listens."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        server = grpc.server(pool)
        port = serve(gateway, server)
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(grace=None).wait()


@pytest.fixture
def client(endpoint: str) -> Iterator[Client]:
    """Connected to the fake gateway."""
    with Client(endpoint) as connected:
        yield connected
