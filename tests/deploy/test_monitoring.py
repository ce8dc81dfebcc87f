"""Dashboard and alerts ask for figures that the services have."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clearstack_common.telemetry.metrics import Metrics
from deploy.conftest import ROOT, named
from prometheus_client import generate_latest

_DASHBOARD = ROOT / "deploy/k8s/components/monitoring/clearstack.json"
_FIGURE = re.compile(r"\b(?:clearstack|process)_[a-z0-9_]+")
_LABELS = re.compile(r"(?:by|on|group_left) \(([a-z, ]+)\)|\{\{ ?\$labels\.([a-z]+)|([a-z]+)=~?\"")
_OF_PROMETHEUS = {"le", "instance"}


@pytest.fixture(scope="module")
def figures() -> dict[str, set[str]]:
    """Every figure on the page of a service that has counted everything once, with its labels."""
    metrics = Metrics("gateway", "gateway-1")
    for figure in vars(metrics).values():
        if hasattr(figure, "_labelnames"):
            child = figure.labels(*figure._labelnames)
            (child.observe if hasattr(child, "observe") else child.inc)(1)
    page = generate_latest(metrics.registry).decode()
    found: dict[str, set[str]] = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            name, _, rest = line.partition("{")
            labels = set(re.findall(r'([a-z]+)="', rest))
            found.setdefault(name.partition(" ")[0], set()).update(labels)
    return found


def _queries() -> Iterator[str]:
    for panel in json.loads(_DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def _asks_only_for(query: str, figures: dict[str, set[str]]) -> None:
    names = set(_FIGURE.findall(query))
    assert names, query
    assert names <= figures.keys(), query
    labels = {word.strip() for found in _LABELS.findall(query) for each in found for word in each.split(",")}
    known = set[str]().union(*(figures[name] for name in names))
    assert labels - {""} - _OF_PROMETHEUS <= known, query


def test_every_panel_asks_for_figures_that_there_are(figures: dict[str, set[str]]) -> None:
    """By name and by label; each figure of docs/metrics.md is on the dashboard."""
    queries = list(_queries())
    assert len(queries) > 15
    for query in queries:
        _asks_only_for(query, figures)
    documented = set(
        re.findall(r"^\| `(clearstack_[a-z0-9_]+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
    )
    shown = " ".join(queries)
    assert {name for name in documented if name not in shown} == set()


def test_alerts_ask_for_figures_that_there_are_and_say_what_to_do(
    built: dict[str, Any], figures: dict[str, set[str]]
) -> None:
    """Each with a summary and a way to mend it."""
    [group] = named(built["overlays"]["facility"], "PrometheusRule", "clearstack")["spec"]["groups"]
    assert len(group["rules"]) >= 5
    for rule in group["rules"]:
        _asks_only_for(rule["expr"], figures)
        assert {"summary", "mend"} == rule["annotations"].keys()


def test_alerts_come_when_they_should(built: dict[str, Any], tmp_path: Path) -> None:
    """Prometheus' own tool reads the rules and plays the cases of alerts.json."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool: it is in Debian's package prometheus")
    rules = named(built["overlays"]["facility"], "PrometheusRule", "clearstack")["spec"]
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    cases = json.loads(Path(__file__).with_name("alerts.json").read_text())
    (tmp_path / "cases.json").write_text(json.dumps({**cases, "rule_files": ["rules.json"]}))
    for command in (("check", "rules", "rules.json"), ("test", "rules", "cases.json")):
        done = subprocess.run((promtool, *command), cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
