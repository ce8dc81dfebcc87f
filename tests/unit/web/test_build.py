"""The committed page is the one that its sources make."""

import json
from pathlib import Path

import imagecodecs

from tools import web_build


def test_the_hash_knows_every_change(tmp_path: Path) -> None:
    """A byte, a name, a file more; not what is fetched or generated."""
    (tmp_path / "src" / "gen").mkdir(parents=True)
    (tmp_path / "src" / "a.ts").write_text("a")
    first = web_build.sources_sha256(tmp_path)
    (tmp_path / "src" / "gen" / "b.ts").write_text("generated")
    assert web_build.sources_sha256(tmp_path) == first
    (tmp_path / "src" / "a.ts").write_text("b")
    changed = web_build.sources_sha256(tmp_path)
    (tmp_path / "src" / "a.ts").rename(tmp_path / "src" / "c.ts")
    assert len({first, changed, web_build.sources_sha256(tmp_path)}) == 3


def test_packed_files_hold_the_same(tmp_path: Path) -> None:
    """And are the same each time, so that a build changes only with its sources."""
    (tmp_path / "a.js").write_text("plain " * 100)
    web_build.pack(tmp_path)
    first = (tmp_path / "a.js.br").read_bytes(), (tmp_path / "a.js.gz").read_bytes()
    web_build.pack(tmp_path)
    assert first == ((tmp_path / "a.js.br").read_bytes(), (tmp_path / "a.js.gz").read_bytes())
    assert bytes(imagecodecs.brotli_decode(first[0])).decode() == "plain " * 100


def test_what_a_build_is_made_of(tmp_path: Path) -> None:
    """Stands in the build; none is none."""
    assert web_build.recorded(tmp_path) == ""
    (tmp_path / "build.json").write_text(json.dumps({"sources_sha256": "1f"}))
    assert web_build.recorded(tmp_path) == "1f"
