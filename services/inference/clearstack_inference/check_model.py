"""`python -m clearstack_inference.check_model FOLDER`: checks a model of a stranger, in a process with limits.

Reads `FOLDER/files`, writes what can be used to `FOLDER/model` and the verdict to `FOLDER/verdict.json`:
{"description": {...}, "notes": [...]} or {"refused": {"reason": ..., "message": ...}}, and in both cases "confined":
whether sockets and other programs were out of reach.
"""

# ruff: noqa: PLC0415 - the limits of the process are set before anything large is imported

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from clearstack_stacks.confinement import confine

VERDICT = "verdict.json"
_LARGEST_FILE_BYTES = 8 << 30


def main() -> int:
    """Check, write the verdict, and return the exit status: 0 whatever the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--memory-bytes", type=int, required=True)
    parser.add_argument("--cpu-s", type=float, required=True)
    options = parser.parse_args()
    is_confined = confine(
        memory_bytes=options.memory_bytes, cpu_s=options.cpu_s, file_bytes=_LARGEST_FILE_BYTES
    )
    verdict = {**verdict_on(options.folder), "confined": is_confined}
    (options.folder / VERDICT).write_text(json.dumps(verdict, allow_nan=False))
    return 0


def verdict_on(folder: Path) -> dict[str, Any]:
    """Checks the model in `folder`; the verdict as JSON, whatever the files do."""
    from clearstack_engine.errors import ModelFilesError, ModelMismatchError

    try:
        return _checked(folder)
    except ModelMismatchError as error:
        return _refused("MODEL_MISMATCH", str(error))
    except ModelFilesError as error:
        return _refused("MODEL_UNREADABLE", str(error))
    except MemoryError:
        return _refused("MODEL_UNREADABLE", "Reading the model takes more memory than is allowed here.")
    # Whatever else a file made to harm can raise: RecursionError, AttributeError, …
    except Exception as error:
        return _refused("MODEL_UNREADABLE", f"The model cannot be read ({type(error).__name__}).")


def _checked(folder: Path) -> dict[str, Any]:
    from dataclasses import asdict

    import torch
    from clearstack_common.model_files import ARCHIVE
    from clearstack_engine.model.importing import import_files

    from clearstack_inference.unpack import unpack

    torch.set_num_threads(1)
    files = folder / "files"
    if (files / ARCHIVE).exists():
        unpack(files / ARCHIVE, files)
    model = import_files(files, folder / "model")
    return {"description": asdict(model.description), "notes": model.notes}


def _refused(reason: str, message: str) -> dict[str, Any]:
    return {"refused": {"reason": reason, "message": message}}


if __name__ == "__main__":
    sys.exit(main())
