"""The work: what was given up, who trains, on what."""

import time

from clearstack.v1.admin_service_pb2 import Finding
from clearstack.v1.training_pb2 import Training
from clearstack_common.bus import LockHolder

from clearstack_gateway.use_cases.diagnosis.findings import ok, warn


def dead_letters(count: int) -> Finding:
    """Whether messages were given up."""
    if not count:
        return ok("dead letters", "No message was given up.")
    return warn(
        "dead letters",
        f"{count} messages were given up.",
        "`clearstack deadletters list` says why; then `deadletters retry` or `deadletters drop`.",
    )


def lock(holder: LockHolder | None, num_trainings_in_work: int) -> Finding:
    """Who trains."""
    if holder is None:
        return ok("training lock", "Nobody holds the training lock.")
    held = f"{holder.name or 'A trainer'} has held the training lock for {max(time.time() - holder.since_s, 0):.0f} s"
    if num_trainings_in_work:
        return ok("training lock", f"{held}, and a training is in work.")
    return warn(
        "training lock",
        f"{held}, and no training is in work.",
        "Ask again in a minute; if it is still so, see that trainer's log and start it again. The lock ends by itself.",
    )


def device(newest: Training | None) -> Finding:
    """On what the newest training was computed."""
    devices = [stage.device for stage in newest.stages if stage.device] if newest else []
    if newest is None or not devices:
        return ok("device", "Nothing was trained yet, so it is not known on what trainers compute.")
    found = f"The newest training, {newest.name}, computes on: {devices[-1]}."
    if not devices[-1].startswith("cpu"):
        return ok("device", found)
    return warn(
        "device",
        found,
        "If the trainer has a GPU: `nvidia-smi` must answer there, and its torch be one with CUDA. Else all is well.",
    )
