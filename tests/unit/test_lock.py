"""The lock files hold what pyproject.toml asks for, and nothing comes without its hash."""

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
