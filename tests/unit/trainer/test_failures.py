"""What is told of a computation that ends badly."""

import errno
import signal
from pathlib import Path

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack_engine.errors import EngineError, OutOfMemoryError
from clearstack_trainer.child import ChildDiedError
from clearstack_trainer.compute import failure


def _saving() -> Exception:
    """What torch raises when it cannot save: another error, in the context of the true one."""
    error = RuntimeError("unexpected pos 704 vs 598")
    error.__context__ = OSError(errno.ENOSPC, "No space left on device")
    return error


@pytest.mark.parametrize(
    ("error", "reason", "advice"),
    [
        (OutOfMemoryError("Not even one patch fits."), "OUT_OF_MEMORY", "batch size or the patch size"),
        (MemoryError(), "OUT_OF_MEMORY", "smaller stack"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "OUT_OF_MEMORY", "batch size"),
        (OSError(errno.ENOSPC, "No space left on device"), "OUT_OF_SPACE", "Make room"),
        (OSError("Not enough free space to write 32000000 bytes"), "OUT_OF_SPACE", "Make room"),
        (_saving(), "OUT_OF_SPACE", "Make room"),
        (EngineError("The loss is not finite."), "COMPUTATION_FAILED", "not finite"),
    ],
)
def test_known_failure_has_a_reason_and_an_advice(
    tmp_path: Path, error: Exception, reason: str, advice: str
) -> None:
    """Memory and disks that are used up are told as such, whoever says so and however."""  # spec: D14
    found = failure(error, tmp_path)
    assert found is not None
    assert found[0] == reason
    assert advice in found[1]


def test_unknown_failure_ends_the_process(tmp_path: Path) -> None:
    """Anything else is for the log, and for another attempt."""
    assert failure(RuntimeError("never seen"), tmp_path) is None


def test_process_that_is_killed_again_and_again_has_used_up_the_memory() -> None:
    """A system that has no memory left kills; any other end is a fault."""  # spec: D14
    killed, broken = ChildDiedError(-signal.SIGKILL).final, ChildDiedError(1).final
    assert killed.reason == error_reason_pb2.ERROR_REASON_OUT_OF_MEMORY
    assert "batch size" in killed.message
    assert broken.reason == error_reason_pb2.ERROR_REASON_COMPUTATION_FAILED
    assert "status 1" in broken.message
