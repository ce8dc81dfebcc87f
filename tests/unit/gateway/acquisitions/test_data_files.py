"""Which objects are acquisitions, and whose."""

from datetime import UTC, datetime

import pytest
from clearstack.v1.rule_service_pb2 import Rule
from clearstack_common.objects import StoredObject
from clearstack_gateway.acquisitions.data_files import is_data, rule_for

_WHEN = datetime(2026, 3, 2, tzinfo=UTC)


def _found(key: str, size_bytes: int = 9) -> StoredObject:
    return StoredObject(key=key, size_bytes=size_bytes, written_at=_WHEN, etag="e")


@pytest.mark.parametrize("key", ["incoming/a.tif", "incoming/deep/er/B.TIFF", "x.ome.tif"])
def test_a_tiff_is_data(key: str) -> None:
    """Whatever the case of its suffix, and however deep."""
    assert is_data(_found(key))


@pytest.mark.parametrize(
    "key",
    [
        "a.tif.part",
        "a.tif.tmp",
        ".a.tif",
        ".sync/a.tif",
        "._a.tif",
        "a.tif.xml",
        "a.json",
        "folder.tif/",
        "tif",
    ],
)
def test_what_lies_beside_is_not(key: str) -> None:
    """Sidecars, hidden files, and what is still being written."""
    assert not is_data(_found(f"incoming/{key}"))


def test_nothing_is_not_data() -> None:
    """A file of no bytes was only begun."""
    assert not is_data(_found("incoming/a.tif", size_bytes=0))


@pytest.mark.parametrize(
    ("pattern", "key", "fits"),
    [
        ("", "in/deep/a.tif", True),
        ("*_c1.tif", "in/deep/a_c1.tif", True),
        ("*_c1.tif", "in/a_c2.tif", False),
        ("deep/*.tif", "in/deep/a.tif", True),
        ("deep/*.tif", "in/a.tif", False),
        ("*", "in/a.xml", False),
    ],
)
def test_pattern_is_of_the_name_or_the_path(pattern: str, key: str, fits: bool) -> None:
    """Without a slash it is held against the file's name alone."""
    rule = Rule(name="rules/r", prefix="in/", file_pattern=pattern)
    assert (rule_for([rule], "", _found(key)) is rule) == fits


def test_the_nearest_rule_has_it_then_the_oldest() -> None:
    """Every object is one rule's, and always the same one's."""
    wide, near = Rule(name="rules/b", prefix="in/"), Rule(name="rules/c", prefix="in/a/")
    older, elsewhere = (
        Rule(name="rules/z", prefix="in/"),
        Rule(name="rules/a", prefix="", source_bucket="other"),
    )
    for rule, second in ((wide, 5), (near, 9), (older, 4), (elsewhere, 1)):
        rule.create_time.seconds = second
    rules = [wide, near, older, elsewhere]
    assert rule_for(rules, "", _found("in/a/x.tif")) is near
    assert rule_for(rules, "", _found("in/x.tif")) is older
    assert rule_for(rules, "other", _found("in/a/x.tif")) is elsewhere
    assert rule_for(rules, "", _found("else/x.tif")) is None


def test_what_is_older_than_the_rule_wants_is_left_alone() -> None:
    """The moment itself counts as new."""
    rule = Rule(name="rules/r", prefix="in/")
    rule.start_time.FromDatetime(_WHEN)
    assert rule_for([rule], "", _found("in/a.tif")) is rule
    rule.start_time.seconds += 1
    assert rule_for([rule], "", _found("in/a.tif")) is None
