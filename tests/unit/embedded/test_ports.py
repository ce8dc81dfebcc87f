import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from clearstack_embedded import ports
from clearstack_embedded.errors import InstallationError
from clearstack_embedded.ports import GRPC_OFFSET, PortBook, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_listener_is_noticed(taken: int) -> None:
    """A port with a listener is not free."""
    assert not is_free(taken)


def test_asked_port_that_is_taken_is_an_error(tmp_path: Path, taken: int) -> None:
    """Whoever asks for a number gets that number or a sentence that names it."""
    with pytest.raises(InstallationError, match=f"Port {taken} .*--port"):
        PortBook(tmp_path / "ports.json").take_api(taken)


def test_impossible_port_is_an_error(tmp_path: Path) -> None:
    """A number that is no port gets the same sentence."""
    with pytest.raises(InstallationError, match="Port 70000"):
        PortBook(tmp_path / "ports.json").take_api(70_000)


def test_taken_default_port_leaves_the_choice_open(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a wish, a taken default port is no error."""
    monkeypatch.setattr(ports, "DEFAULT_PORT", taken)
    assert PortBook(tmp_path / "ports.json").take_api(None) != taken


def test_two_that_start_at_once_get_different_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens yet on the first one's default port, and the second one takes another all the same; until it ends."""
    chosen, first, second, third = (PortBook(tmp_path / f"{number}.json") for number in range(4))
    monkeypatch.setattr(ports, "DEFAULT_PORT", chosen.take("broker"))
    chosen.close()
    assert first.take_api(None) == ports.DEFAULT_PORT
    assert second.take_api(None) != ports.DEFAULT_PORT
    with pytest.raises(InstallationError, match="in use"):
        third.take_api(ports.DEFAULT_PORT)
    first.close()
    assert third.take_api(ports.DEFAULT_PORT) == ports.DEFAULT_PORT


def test_ports_are_remembered(tmp_path: Path) -> None:
    """The next start uses the same ports, so that what was told to others stays true."""
    book = PortBook(tmp_path / "ports.json")
    first = [book.take("broker"), book.take("store.s3", with_grpc=True)]
    book.save()
    book.close()
    again = PortBook(tmp_path / "ports.json")
    assert [again.take("broker"), again.take("store.s3", with_grpc=True)] == first


def test_remembered_port_that_is_taken_now_is_replaced(tmp_path: Path, taken: int) -> None:
    """A remembered port is a wish, not a need."""
    path = tmp_path / "ports.json"
    path.write_text(f'{{"broker": {taken}}}')
    assert PortBook(path).take("broker") != taken


@pytest.mark.parametrize("text", ["", "[]", '{"broker": "x"}'])
def test_broken_book_is_forgotten(tmp_path: Path, text: str) -> None:
    """A damaged book costs the old numbers, not the start."""
    (tmp_path / "ports.json").write_text(text)
    assert is_free(PortBook(tmp_path / "ports.json").take("broker"))


def test_no_port_is_given_twice(tmp_path: Path) -> None:
    """All ports, those for gRPC included, are different and below the range of outgoing connections."""
    book = PortBook(tmp_path / "ports.json")
    given = [book.take(str(number), with_grpc=True) for number in range(200)]
    everything = given + [port + GRPC_OFFSET for port in given]
    assert len(set(everything)) == 400
    assert max(everything) < 32_768


def test_given_lists_by_prefix(tmp_path: Path) -> None:
    """The store's ports can be told from the others."""
    book = PortBook(tmp_path / "ports.json")
    book.take("broker")
    assert book.given("store.") == []
    assert [book.take("store.s3")] == book.given("store.")
