"""Builds the overlays of deploy/k8s and validates every object strictly; prints what came of it as JSON.

Runs in an environment of its own (.venv-tools), since no code of ours needs what it needs.

Args (command line): kubectl, the folder with schemas of custom resources (KIND.json), the overlays.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

# The last three minors.
_VERSIONS = ("1.35", "1.36", "1.37")


def main(kubectl: str, schemas: Path, overlays: list[str]) -> None:
    """Print the objects of each overlay, and every problem once."""
    built = {overlay: _build(kubectl, overlay) for overlay in overlays}
    distinct = {json.dumps(each, sort_keys=True) for objects in built.values() for each in objects}
    problems = [problem for text in sorted(distinct) for problem in _problems(json.loads(text), schemas)]
    json.dump(
        {"overlays": {Path(name).name: each for name, each in built.items()}, "problems": problems},
        sys.stdout,
    )


def _build(kubectl: str, overlay: str) -> list[dict[str, Any]]:
    done = subprocess.run((kubectl, "kustomize", overlay), check=True, stdout=subprocess.PIPE, text=True)
    return list(yaml.safe_load_all(done.stdout))


def _problems(item: dict[str, Any], schemas: Path) -> Iterator[str]:
    name = f"{item['kind']} {item['metadata']['name']}"
    custom = schemas / f"{item['kind']}.json"
    if custom.exists():
        for error in jsonschema.Draft202012Validator(json.loads(custom.read_text())).iter_errors(item):
            yield f"{name}: {error.json_path}: {error.message}"
        return
    for version in _VERSIONS:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            yield f"{name}, Kubernetes {version}: {error}"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
