import hashlib
import json
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from clearstack.v1.model_service_pb2 import ModelFileLink
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where it is on the web."""
    folder = tmp_path / "store"
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=folder)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_list_and_show(run: Run, noisy: Path) -> None:
    """A model is named after its training."""
    run("train", noisy)
    assert "c002" in run("models", "list").stdout
    assert json.loads(run("models", "show", "c", "--json").stdout)["training"] == "trainings/c002"
    assert run("models", "show", "c").exit_code == 0


def test_download_fetches_every_file(
    run: Run, gateway: FakeGateway, noisy: Path, tmp_path: Path, store: tuple[Path, str]
) -> None:
    """Into the folders that the paths name."""
    folder, url = store
    (folder / "w").write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    gateway.links = [ModelFileLink(path="stage1/weights.pth", url=f"{url}/w", sha256=sha256)]
    run("train", noisy)
    result = run("models", "download", "c002", "--out", tmp_path / "model")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "model" / "stage1" / "weights.pth").read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("path", "sha256", "sentence"),
    [
        ("stage1/weights.pth", "0" * 64, "its checksum differs"),
        ("../weights.pth", "", "outside of the folder"),
        ("/weights.pth", "", "outside of the folder"),
        ("missing.pth", "", "could not be fetched"),
    ],
)
def test_a_file_that_is_not_as_announced_is_not_written(
    run: Run,
    gateway: FakeGateway,
    noisy: Path,
    tmp_path: Path,
    store: tuple[Path, str],
    path: str,
    sha256: str,
    sentence: str,
) -> None:
    """Neither damaged nor outside of the folder."""
    folder, url = store
    (folder / "weights.pth").write_bytes(b"weights")
    gateway.links = [ModelFileLink(path=path, url=f"{url}/{Path(path).name}", sha256=sha256)]
    run("train", noisy)
    result = run("models", "download", "c002", "--out", tmp_path / "model")
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert [each for each in (tmp_path / "model").rglob("*") if each.is_file()] == []
