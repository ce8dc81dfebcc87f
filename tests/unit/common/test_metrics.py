"""Every figure is documented, and the page is served where it is asked for."""

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from clearstack_common.settings import ServiceSettings
from clearstack_common.telemetry import Metrics, open_telemetry
from prometheus_client.metrics import MetricWrapperBase

_DOCS = Path(__file__).parents[3] / "docs/metrics.md"
_SUFFIX = {"counter": "_total", "info": "_info"}


def _figures() -> Iterator[str]:
    """A row of the table for each figure."""
    for each in vars(Metrics("gateway")).values():
        if isinstance(each, MetricWrapperBase):
            [family] = each.describe()
            labels = ", ".join(f"`{label}`" for label in each._labelnames)
            name = family.name + _SUFFIX.get(family.type, "")
            yield f"| `{name}` | {family.type} | {labels} | {family.documentation} |"


def test_every_figure_is_in_the_documentation() -> None:
    """The table of `docs/metrics.md` holds exactly the figures that there are, with what they mean."""
    rows = list(_figures())
    assert len(rows) == 15
    text = _DOCS.read_text()
    missing = [row for row in rows if row not in text]
    assert not missing, "put into docs/metrics.md:\n" + "\n".join(missing)
    assert text.count("| `clearstack_") == len(rows)


def test_figures_without_a_label_are_none() -> None:
    """A service does not show, as 0, what it does not measure."""
    page = [family.name for family in Metrics("gateway").registry.collect() if family.samples]
    assert [name for name in page if name.startswith("clearstack_")] == ["clearstack_build"]


def test_address_that_is_none_is_told(tmp_path: Path) -> None:
    """What cannot be served ends the service with a sentence that names the setting."""
    for address in ("nowhere", "127.0.0.1:", "127.0.0.1:99999", "192.0.2.1:9464"):
        settings = ServiceSettings(metrics_address=address, scratch=tmp_path)
        with pytest.raises(SystemExit, match="CLEARSTACK_METRICS_ADDRESS"):
            open_telemetry(settings, "gateway")


def test_page_says_which_service_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page can be fetched over HTTP and begins with who it is of."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    open_telemetry(ServiceSettings(metrics_address=f"127.0.0.1:{port}", scratch=tmp_path), "trainer")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/metrics") as page:
        assert 'clearstack_build_info{instance="trainer",service="trainer"' in page.read().decode()
