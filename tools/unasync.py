"""Writes the blocking client from the asyncio one, so that each call is written once: `python tools/unasync.py`."""

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "clients" / "python" / "clearstack_client"
# Differs too much to be derived.
BY_HAND = frozenset({"__init__.py", "io.py"})
REPLACEMENTS = (
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"^import grpc\.aio\n", ""),
    (r"\bgrpc\.aio\.", "grpc."),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (r"\bAsync(Iterator|Client)\b", r"\1"),
    (r"\bAwaitable\[([^\[\]]+)\]", r"\1"),
    (r"Awaitable, Callable", "Callable"),
    (r"\b_async\b", "_sync"),
)
HEADER = "# Written by tools/unasync.py from its counterpart in _async: change that one.\n"


def main() -> None:
    """Writes every module anew."""
    target = PACKAGE / "_sync"
    for path in sorted((PACKAGE / "_async").glob("*.py")):
        if path.name not in BY_HAND:
            (target / path.name).write_text(HEADER + blocking(path.read_text("utf-8")), "utf-8")
    ruff = Path(sys.executable).with_name("ruff")
    subprocess.run([ruff, "check", "--select", "I", "--fix-only", "--quiet", target], check=True)
    subprocess.run([ruff, "format", "--quiet", target], check=True)


def blocking(text: str) -> str:
    """The same module without asyncio."""
    for pattern, replacement in REPLACEMENTS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


if __name__ == "__main__":
    main()
