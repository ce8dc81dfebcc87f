"""What is read from disk or from strangers can hold no code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [path for folder in ("libs", "services", "apps", "tools") for path in (ROOT / folder).rglob("*.py")]
UNSAFE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}


def _faults(source: str) -> Iterator[str]:
    """Whatever in a module's text could run code that a file brings along."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            # The name of pickle's error is needed to say that torch refused a file; its functions are looked at below.
            yield from (f"import {name.name}" for name in node.names if name.name in UNSAFE - {"pickle"})
        elif isinstance(node, ast.ImportFrom) and node.module in UNSAFE:
            yield f"from {node.module} import"
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pickle"
        ):
            yield from ([f"pickle.{node.attr}"] if node.attr != "UnpicklingError" else [])
        elif isinstance(node, ast.Call):
            yield from _loading(node)


def _loading(call: ast.Call) -> Iterator[str]:
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    called = ast.unparse(call.func)
    if given.get("allow_pickle", "False") != "False":
        yield f"{called}(allow_pickle={given['allow_pickle']})"
    if called == "torch.load" and given.get("weights_only") != "True":
        yield "torch.load without weights_only=True"
    if called in {"np.load", "numpy.load"} and given.get("allow_pickle") != "False":
        yield f"{called} without allow_pickle=False"


def test_no_module_of_ours_runs_code_from_a_file() -> None:
    """No pickle and nothing like it, in no module: torch and numpy are always told to take plain values only."""
    found = {
        str(path.relative_to(ROOT)): faults
        for path in MODULES
        if (faults := list(_faults(path.read_text(encoding="utf-8"))))
    }
    assert len(MODULES) > 100
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import marshal",
        "import pickle\npickle.load(file)",
        "from pickle import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.savez(path, allow_pickle=flag)",
    ],
)
def test_every_way_in_is_seen(source: str) -> None:
    """The look above finds each way to run code from a file."""
    assert list(_faults(source))
