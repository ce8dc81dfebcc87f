"""The manifests of deploy/k8s as a cluster would get them."""

import json
import subprocess
from pathlib import Path
from typing import Any, TypeAlias

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-tools" / "bin"
_OURS, _OF_TESTS = ROOT / "deploy/k8s/overlays", Path(__file__).with_name("overlays")
OVERLAYS = {"single-node": _OURS, "facility": _OURS, "kueue": _OF_TESTS}
Object: TypeAlias = dict[str, Any]


@pytest.fixture(scope="session")
def built() -> dict[str, Any]:
    """What tools/manifests.py says: the objects of each overlay, and problems."""
    if not (TOOLS / "kubectl").exists():
        pytest.skip("no kubectl: `make .venv-tools/installed-deploy` fetches it")
    overlays = [str(folder / name) for name, folder in OVERLAYS.items()]
    schemas = str(Path(__file__).with_name("schemas"))
    command = (str(TOOLS / "python"), "tools/manifests.py", str(TOOLS / "kubectl"), schemas, *overlays)
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest, built: dict[str, Any]) -> list[Object]:
    """The objects of one overlay."""
    found: list[Object] = built["overlays"][request.param]
    return found


@pytest.fixture
def pods(objects: list[Object]) -> dict[str, Object]:
    """The pod templates of an overlay, by the name of what makes them."""
    makers = [each for each in objects if each["kind"] in {"Deployment", "StatefulSet"}]
    return {each["metadata"]["name"]: each["spec"]["template"] for each in makers}


def named(objects: list[Object], kind: str, name: str) -> Object:
    """The one object of a kind with a name, or with a name that kustomize has made of it."""
    [found] = [
        each
        for each in objects
        if each["kind"] == kind
        and (each["metadata"]["name"] == name or each["metadata"]["name"].rpartition("-")[0] == name)
    ]
    return found
