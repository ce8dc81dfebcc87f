"""Puts the code that was generated of the protos into sdist and wheel; the repository has it once."""  # noqa: INP001

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "clearstack"


class ProtoHook(BuildHookInterface[Any]):
    """In the repository the code is in libs/common; in an sdist it is where the sdist's build has put it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the package to what is built, unless it is an editable install."""
        if version == "editable":
            return
        root = Path(self.root)
        shipped = root / PACKAGE
        source = shipped if shipped.is_dir() else root.parents[1] / "libs" / "common" / PACKAGE
        for path in sorted(source.rglob("*")):
            if path.suffix in {".py", ".pyi", ".typed"}:
                build_data["force_include"][str(path)] = f"{PACKAGE}/{path.relative_to(source).as_posix()}"
