from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import tifffile
from clearstack_cli.app import app
from clearstack_cli.connection import Client, connect
from typer.testing import CliRunner, Result
from unit.cli.fake_gateway import FakeGateway, serve

Run = Callable[..., Result]


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
    with connect(endpoint) as connected:
        yield connected


@pytest.fixture
def run(endpoint: str, tmp_path: Path) -> Run:
    """Runs the command line against the fake gateway, without a terminal."""

    def invoke(*arguments: object, stdin: str = "") -> Result:
        environment = {"CLEARSTACK_ENDPOINT": endpoint, "CLEARSTACK_DATA": str(tmp_path / "data")}
        return CliRunner().invoke(app, [str(each) for each in arguments], input=stdin, env=environment)

    return invoke


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """A stack of 3 slices."""
    path = tmp_path / "noisy.tif"
    stack_ZYX = np.random.default_rng(0).integers(0, 1000, (3, 64, 64), dtype=np.uint16)
    tifffile.imwrite(path, stack_ZYX, imagej=True, metadata={"axes": "ZYX"})
    return path
