"""The lock files hold what pyproject.toml asks for, and nothing comes without its hash."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-torch.lock")


@pytest.fixture
def locked() -> dict[str, str]:
    """Each package's version that is locked for this Python."""
    text = "".join((ROOT / name).read_text() for name in LOCKS)
    entries = map(Requirement, re.findall(r"^[a-z0-9-]+==[^\\]+", text, flags=re.MULTILINE))
    here = [each for each in entries if each.marker is None or each.marker.evaluate()]
    return {each.name: str(each.specifier).removeprefix("==") for each in here}


def test_everything_that_is_asked_for_is_locked(locked: dict[str, str]) -> None:
    """A dependency that was added or changed without `make lock` is missing here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = (project["dependencies"], *project["optional-dependencies"].values())
    wanted = [Requirement(text) for each in lists for text in each if not text.startswith("clearstack[")]
    assert len(wanted) > 20
    outdated = [
        str(each)
        for each in wanted
        if not each.specifier.contains(locked.get(canonicalize_name(each.name), "0"))
    ]
    assert outdated == []


@pytest.mark.parametrize("name", LOCKS)
def test_each_package_has_hashes_and_no_place(name: str) -> None:
    """Every entry says what its files must be, and none says where they have to come from."""
    text = (ROOT / name).read_text()
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text


@pytest.mark.parametrize("extra", ["gateway", "mask-extractor", "inference", "web"])
def test_an_image_gets_what_its_service_asks_for(extra: str) -> None:
    """Every dependency of the extra, and of those in turn, is on the image's list, and in the lock."""
    listed = set((ROOT / f"deploy/docker/{extra}.packages").read_text().split())
    assert listed <= set(
        re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    needed = _closure(f"clearstack[{extra},telemetry]")
    assert {
        name for name in needed - listed if not re.fullmatch(r"torch|triton|nvidia-.*|cuda-.*", name)
    } == set()
    assert "torch" not in listed


def _closure(asked: str) -> set[str]:
    """The names of all that a requirement brings, as it is installed here."""
    found: set[str] = set()
    seen: set[str] = set()
    todo = [Requirement(asked)]
    while todo:
        each = todo.pop()
        if str(each) in seen:
            continue
        seen.add(str(each))
        name = canonicalize_name(each.name)
        if name != "clearstack":
            found.add(name)
        for text in importlib.metadata.requires(name) or []:
            wanted = Requirement(text)
            extras = each.extras or {""}
            if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(wanted)
    return found
