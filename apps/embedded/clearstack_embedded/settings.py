"""What a person chooses about an installation."""

from dataclasses import dataclass
from pathlib import Path

from clearstack_embedded.errors import InstallationError

BUCKET = "clearstack"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationConfig:
    """An installation as asked for.

    Attributes:
        data: The folder that holds everything.
        port: The gateway's port; None takes the default one, or a free one if that is taken.
        num_trainers: How many trainer processes to run.
        num_inference_workers: How many processes denoise; the ranges of one stack are shared among them.
        log_level: How much the services write: "debug", "info", "warning" or "error".
    """

    data: Path
    port: int | None = None
    num_trainers: int = 1
    num_inference_workers: int = 1
    log_level: str = "info"

    def __post_init__(self) -> None:
        if self.num_trainers < 1:
            raise InstallationError(f"{self.num_trainers} trainers cannot train; ask for 1 or more.")
        if self.num_inference_workers < 1:
            raise InstallationError(
                f"{self.num_inference_workers} inference workers cannot denoise; ask for 1 or more."
            )
