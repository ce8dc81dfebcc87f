"""Whose page this is, who asks, and what the page may do."""

import pytest
from clearstack_web.settings import WebSettings
from unit.web.conftest import Web
from unit.web.frames import HEADERS, frame

_GET = "/clearstack.v1.StackService/GetStack"


@pytest.mark.parametrize(
    "host", ["localhost:1", "127.0.0.1:9", "[::1]:9", "192.0.2.7", "page.lab", "PAGE.lab:8"]
)
async def test_names_of_the_page(web: Web, host: str) -> None:
    """This machine's, numbers, and what the settings name; whatever the port is."""
    assert (await web.ask("GET", "/", host=host)).status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "page.lab.evil", "", "["])
async def test_other_names_lead_nowhere(web: Web, host: str) -> None:
    """A page that lets its own name point here gets nothing (DNS rebinding)."""
    assert (await web.ask("GET", "/config.json", host=host)).status in {400, 403}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
async def test_other_pages_change_nothing(web: Web, headers: dict[str, str]) -> None:
    """Whatever a browser says of the page that asks: only this one makes calls, or puts files."""
    assert (await web.ask("POST", _GET, frame(b""), **HEADERS, **headers)).status == 403
    assert (await web.ask("PUT", "/store/clearstack/a?X-Amz-Signature=1", b"a", **headers)).status == 403
    assert not web.behind.metadata
    assert not web.behind.asked


async def test_the_page_itself_makes_calls(web: Web) -> None:
    """Its origin is the host that it was asked for by."""
    origin = f"http://{web.address}"
    response = await web.ask("POST", _GET, frame(b""), **HEADERS, origin=origin, sec_fetch_site="same-origin")
    assert response.status == 200


@pytest.mark.parametrize("path", ["/", "/config.json", "/assets/a-1f2e.js", "/nothing.js", "/store/x", _GET])
async def test_every_answer_says_what_a_page_may_do(web: Web, path: str) -> None:
    """Refusals, too."""
    headers = dict((await web.ask("GET", path)).headers)
    policy = headers[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"


@pytest.mark.parametrize(
    ("settings", "is_refused"),
    [
        ({"web_address": "127.0.0.1:1"}, False),
        ({"web_address": "0.0.0.0:1"}, True),
        ({"web_address": "0.0.0.0:1", "web_auth": "token"}, True),
        ({"web_address": "0.0.0.0:1", "web_auth": "token", "insecure": "no-tls"}, False),
        ({"web_address": "0.0.0.0:1", "insecure": "everyone-may-do-everything"}, False),
        ({"web_address": "0.0.0.0:1", "web_auth": "token", "tls_cert": "c", "tls_key": "k"}, False),
        ({"tls_cert": "c"}, True),
        ({"client_key": "k"}, True),
    ],
)
def test_beyond_this_machine(settings: dict[str, str], is_refused: bool) -> None:
    """With TLS and tokens, or by the word for doing without; half of a pair is none."""
    assert bool(WebSettings.model_validate(settings).problem()) is is_refused
