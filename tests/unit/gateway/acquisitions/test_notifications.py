"""What object stores say of new objects."""

import json
from pathlib import Path

import pytest
from clearstack_gateway.acquisitions.notifications import created
from hypothesis import given
from hypothesis import strategies as st

_FOLDER = Path(__file__).with_name("notifications")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("Records", "s3", "bucket", "object", "eventName")), inner)
    ),
)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("minio-put", [("clearstack", "incoming/night 1/cell 3, é.tif")]),
        ("minio-complete-multipart-upload", [("facility", "raw/large.tif")]),
        ("minio-copy", [("clearstack", "incoming/copied.tif")]),
        ("minio-delete", []),
        ("ceph-put", [("clearstack", "incoming/ceph.tif")]),
    ],
)
def test_stores_are_understood(name: str, found: list[tuple[str, str]]) -> None:
    """Bucket and key, decoded, of what was put, put together or copied, and of nothing else."""
    assert created((_FOLDER / f"{name}.json").read_bytes()) == found


@pytest.mark.parametrize(
    "message", [b"", b"\xff", b"[]", b"null", b'{"Records": 7}', b'{"Records": [7, {}]}']
)
def test_nonsense_is_passed_over(message: bytes) -> None:
    """Whoever may publish there may publish anything."""
    assert created(message) == []


@given(document=_JSON)
def test_no_json_is_too_odd(document: object) -> None:
    """Whatever the shape, there is an answer."""
    assert isinstance(created(json.dumps(document).encode()), list)
