"""The widget without a screen: against a gateway that trains in no time, and against a real installation."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed: make test-napari")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: make test-napari")

import grpc
import napari
import npe2
from clearstack_client import Phase, Progress
from napari_clearstack.widget import DenoiseWidget
from unit.cli.fake_gateway import FakeGateway, serve

_CLEARSTACK = Path(__file__).parents[3] / ".venv/bin/clearstack"
_STACK_ZYX = np.random.default_rng(3).integers(0, 1000, (3, 40, 48), dtype=np.uint16)


@pytest.fixture
def gateway() -> FakeGateway:
    """What is behind the endpoint."""
    return FakeGateway()


@pytest.fixture
def endpoint(gateway: FakeGateway) -> Iterator[str]:
    """The fake gateway's address."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        server = grpc.server(pool)
        port = serve(gateway, server)
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(grace=None).wait()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[str]:
    """The address of a real one, as `clearstack up` of this checkout starts it."""
    if not _CLEARSTACK.exists():
        pytest.skip("Clearstack itself is not installed: make demo, or make test")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = (str(_CLEARSTACK), "up", "--json", "--port", port, "--no-web", "--data", str(tmp_path / "data"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEARSTACK_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=kept) as running:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())["endpoint"]
        running.terminate()


@pytest.fixture
def viewer() -> napari.components.ViewerModel:
    """The model of a viewer: its window would need OpenGL."""
    return napari.components.ViewerModel()


@pytest.fixture
def widget(qtbot: Any, viewer: napari.components.ViewerModel, endpoint: str) -> DenoiseWidget:
    """With the address filled in."""
    made = DenoiseWidget(viewer)
    qtbot.addWidget(made)
    made.endpoint.setText(endpoint)
    made.method.setCurrentIndex(1)
    made.preset.setCurrentIndex(0)
    made.show()
    return made


def test_the_result_is_a_layer_beside_its_source(
    qtbot: Any, widget: DenoiseWidget, viewer: napari.components.ViewerModel
) -> None:
    """Same shape, dtype, scale and units; metadata say which run made it."""
    viewer.add_image(_STACK_ZYX, name="cells", scale=(0.5, 0.1, 0.1), units="um", metadata={"who": "me"})
    widget.go.click()
    assert not widget.go.isEnabled()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=120_000)
    result = viewer.layers[1]
    assert result.name == "cells denoised"
    assert (result.data.shape, result.data.dtype) == (_STACK_ZYX.shape, _STACK_ZYX.dtype)
    assert tuple(result.scale) == (0.5, 0.1, 0.1)
    assert result.units == viewer.layers[0].units
    assert result.metadata["who"] == "me"
    assert result.metadata["clearstack"]["run"].startswith("trainings/")
    assert widget.go.isEnabled()
    assert widget.said.text() == "Done."


def test_a_real_installation_denoises(
    qtbot: Any, widget: DenoiseWidget, viewer: napari.components.ViewerModel, installation: str
) -> None:
    """A small stack, trained for as `fast` trains; what comes back has less noise."""
    flat_ZYX = np.random.default_rng(4).normal(1000, 100, (3, 48, 64)).astype(np.uint16)
    ramp_ZYX = flat_ZYX + np.arange(64, dtype=np.uint16) * 20
    viewer.add_image(ramp_ZYX, name="ramp")
    widget.endpoint.setText(installation)
    widget.go.click()
    qtbot.waitUntil(widget.go.isEnabled, timeout=600_000)
    assert widget.said.text() == "Done."
    clean_ZYX = viewer.layers[1].data
    assert clean_ZYX.shape == ramp_ZYX.shape
    assert np.diff(clean_ZYX.astype(float), axis=1).std() < np.diff(ramp_ZYX.astype(float), axis=1).std() / 2


def test_what_is_no_stack_is_said_before_anything_is_sent(
    widget: DenoiseWidget, viewer: napari.components.ViewerModel, gateway: FakeGateway
) -> None:
    """Nothing selected, points, colours, five axes."""
    widget.go.click()
    assert "Select an image layer" in widget.said.text()
    viewer.add_points(np.zeros((2, 2)))
    widget.go.click()
    assert "Select an image layer" in widget.said.text()
    viewer.add_image(np.zeros((8, 8, 3), np.uint8), rgb=True)
    widget.go.click()
    assert "colours" in widget.said.text()
    viewer.add_image(np.zeros((2, 2, 2, 8, 8), np.uint8))
    widget.go.click()
    assert "5 axes" in widget.said.text()
    assert not gateway.stacks


def test_nobody_there_is_a_sentence(
    qtbot: Any, widget: DenoiseWidget, viewer: napari.components.ViewerModel
) -> None:
    """And the button is there again."""
    viewer.add_image(_STACK_ZYX)
    widget.endpoint.setText("lab.example:1")
    widget.token.setText("cs_x")
    widget.go.click()
    qtbot.waitUntil(widget.go.isEnabled, timeout=20_000)
    assert "for everybody to read" in widget.said.text()


def test_a_mask_is_reviewed(
    qtbot: Any, widget: DenoiseWidget, viewer: napari.components.ViewerModel, gateway: FakeGateway
) -> None:
    """Where the mask is not to be used as found, it waits for the button."""
    viewer.add_image(_STACK_ZYX)
    widget.method.setCurrentIndex(2)
    widget.auto_approve.setChecked(False)
    widget.go.click()
    qtbot.waitUntil(widget.approve.isVisible, timeout=20_000)
    assert "waits for your review" in widget.said.text()
    widget.approve.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=20_000)
    assert gateway.calls == ["approve"]


def test_cancel_ends_the_run(
    qtbot: Any, widget: DenoiseWidget, viewer: napari.components.ViewerModel, gateway: FakeGateway
) -> None:
    """In the installation, too."""
    viewer.add_image(_STACK_ZYX)
    widget.method.setCurrentIndex(2)
    widget.auto_approve.setChecked(False)
    widget.go.click()
    qtbot.waitUntil(widget.approve.isVisible, timeout=20_000)
    widget.stop.click()
    qtbot.waitUntil(widget.go.isEnabled, timeout=20_000)
    assert widget.said.text() == "Cancelled."
    [training] = gateway.trainings.values()
    assert training.state == 8
    assert len(viewer.layers) == 1


def test_the_bar_knows_when_it_does_not_know(widget: DenoiseWidget) -> None:
    """Busy without a total, a share with one."""
    widget._show(Progress(phase=Phase.QUEUED, text="waits"))
    assert widget.bar.maximum() == 0
    widget._show(Progress(phase=Phase.TRAINING, done=5, total=20))
    assert widget.bar.value() == widget.bar.maximum() // 4


def test_the_manifest_is_valid() -> None:
    """Napari finds the widget."""
    manifest = npe2.PluginManifest.from_file(Path(__file__).parents[1] / "napari_clearstack" / "napari.yaml")
    manifest.validate_imports()
    assert [each.display_name for each in manifest.contributions.widgets or ()] == ["Denoise (Clearstack)"]
