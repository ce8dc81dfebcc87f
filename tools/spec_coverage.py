"""Writes `docs/spec-coverage.md`: which test proves which behaviour of `docs/spec.md`.

A test names the behaviours that it proves with `# spec: A5 B6` beside its docstring. `--check` fails when a behaviour
has no test, or a test names one that does not exist. Run by `make gen` and `make lint`.
"""

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "docs/spec.md"
TABLE = ROOT / "docs/spec-coverage.md"
_ROW = re.compile(r"^\| ([A-G]\d+) \| (.*)$", re.MULTILINE)
_MARKER = re.compile(r"#\s*spec:\s*((?:[A-G]\d*[,\s]*)+)")


def behaviours() -> dict[str, str]:
    """Ids of the spec with the beginning of their text."""
    found = {}
    for spec_id, row in _ROW.findall(SPEC.read_text()):
        text = row.split("|")[0].strip() or "parameter"
        found[spec_id] = text.replace("**", "").split(". ")[0][:90]
    return found


def tests_by_behaviour() -> dict[str, list[str]]:
    """Names of the tests, as `folder/file::test`, by the ids that they carry."""
    proofs: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        functions = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        ]
        for number, line in enumerate(text.splitlines(), start=1):
            for marker in _MARKER.findall(line):
                names = [
                    node.name for node in functions if _first_line(node) <= number <= (node.end_lineno or 0)
                ]
                following = [node.name for node in functions if node.lineno > number]
                name = names[-1] if names else (following[0] if following else "")
                for spec_id in re.findall(r"[A-G]\d*", marker):
                    proofs[spec_id].append(f"{path.relative_to(ROOT / 'tests')}::{name}")
    return proofs


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def table(known: dict[str, str], proofs: dict[str, list[str]]) -> str:
    """The document."""
    lines = [
        "# Which test proves which behaviour",
        "",
        "Written by `tools/spec_coverage.py` from the markers in the tests; the behaviours are in [spec.md](spec.md).",
        "",
        "| id | behaviour | tests |",
        "|---|---|---|",
    ]
    for spec_id, text in known.items():
        names = list(dict.fromkeys(proofs.get(spec_id, [])))
        shown = "<br>".join(f"`{name}`" for name in names[:4]) or "**none**"
        more = f"<br>and {len(names) - 4} more" if len(names) > 4 else ""  # noqa: PLR2004 - a cell stays readable
        lines.append(f"| {spec_id} | {text} | {shown}{more} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes the table; with `--check`, complains about what is missing."""
    known, proofs = behaviours(), tests_by_behaviour()
    TABLE.write_text(table(known, proofs))
    missing = [spec_id for spec_id in known if not proofs.get(spec_id)]
    unknown = sorted(spec_id for spec_id in proofs if spec_id not in known and spec_id != "G")
    if "--check" in sys.argv and (missing or unknown):
        sys.stderr.write(
            f"No test names {', '.join(missing) or 'nothing'}; unknown ids: {', '.join(unknown) or 'none'}.\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
