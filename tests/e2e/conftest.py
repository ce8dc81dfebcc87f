"""Real installations for the tests of what a person gets."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from clearstack.v1.stack_service_pb2 import Stack
from e2e.support import tiffs
from e2e.support.api import Api
from e2e.support.figures import measure, measured
from e2e.support.installation import RunningInstallation
from e2e.support.visitor import Visitor

# 10 s on a machine of its own; here other tests run beside.
_STOP_WITHIN_S = 20.0


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """The one that most tests share and nobody kills, with two trainers."""
    with _running(tmp_path_factory.mktemp("shared") / "data", "--trainers", "2") as running:
        yield running


@pytest.fixture(scope="session")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """One for tests that kill and restart."""
    with _running(tmp_path_factory.mktemp("victim") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def api(installation: RunningInstallation) -> Api:
    """A client of the shared installation."""
    return Api(installation.endpoint)


@pytest.fixture
def tiff(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small noisy stack."""

    def make(name: str = "noisy.tif", **shape: Any) -> Path:
        return tiffs.write_noise(tmp_path / name, **shape)

    return make


@pytest.fixture(scope="session")
def white(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A small stack with white noise, uploaded to the shared installation."""
    return api.upload(tiffs.write_noise(tmp_path_factory.mktemp("white") / "white.tif"))


@pytest.fixture(scope="session")
def rows(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A small stack with noise along rows, uploaded to the shared installation."""
    path = tmp_path_factory.mktemp("rows") / "rows.tif"
    tiffs.write_sample(path, "rows", num_slices=6, side_px=64)
    return api.upload(path)


@contextmanager
def _running(data: Path, *options: str) -> Iterator[RunningInstallation]:
    running = RunningInstallation(data=data, options=options)
    measure(f"{data.parent.name}: start {running.start():.1f} s")
    try:
        yield running
    finally:
        took = running.stop()
        measure(f"{data.parent.name}: stop {took:.1f} s")
    assert took < _STOP_WITHIN_S, f"stopping took {took:.1f} s"
    assert running.exit_code == 0
    assert not running.processes(), "processes are left behind"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure comes with what its installations have logged last and what its visitors saw."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, RunningInstallation):
                report.sections.append((f"the last lines of {name}", value.last_lines()))
            elif isinstance(value, Visitor):
                report.sections.append((f"what {name} saw", value.sight()))
                value.picture(f"failed, {item.name}")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows what was measured."""
    if measured:
        terminalreporter.section("measured")
        for line in measured:
            terminalreporter.write_line(line)
