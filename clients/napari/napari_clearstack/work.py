"""A denoising beside the user interface: a thread that speaks through signals."""

import threading
from dataclasses import dataclass

from clearstack_client import ClearstackError, Client, Phase, Progress, RunEnded
from qtpy.QtCore import QObject, Signal

from napari_clearstack.layers import Input


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was chosen.

    Attributes:
        endpoint: Of the installation.
        token: Empty = none.
        method: `auto`, `n2v` or `autostructn2v`.
        preset: `fast`, `balanced` or `high-quality`.
        auto_approve: Use the mask as it is found.
    """

    endpoint: str
    token: str
    method: str
    preset: str
    auto_approve: bool


class _StoppedError(Exception):
    """The user does not want it any more."""


class Work(QObject):  # type: ignore[misc]
    """One denoising; its signals come in the thread of the user interface.

    Signals:
        progressed: A `Progress`.
        done: The result, an array, and the name of its run.
        failed: A sentence; empty = cancelled.
    """

    progressed = Signal(object)
    done = Signal(object, str)
    failed = Signal(str)

    def __init__(self, wish: Wish, sent: Input) -> None:
        super().__init__()
        self._wish, self._sent = wish, sent
        self._run = ""
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def cancel(self) -> None:
        """Ends it, in the installation, too."""
        self._is_stopped.set()
        if self._run:
            self._aside(lambda client: client.trainings.cancel(self._run))

    def approve(self) -> None:
        """Goes on with the mask as it is."""
        self._aside(lambda client: client.masks.approve(self._run))

    def skip(self) -> None:
        """Goes on without stage 2."""
        self._aside(lambda client: client.masks.skip_stage_two(self._run))

    def _aside(self, call: object) -> None:
        threading.Thread(target=self._call, args=(call,), daemon=True).start()

    def _call(self, call: object) -> None:
        try:
            with Client(self._wish.endpoint, token=self._wish.token) as client:
                call(client)  # type: ignore[operator]
        except ClearstackError as error:
            if not self._is_stopped.is_set():
                self.progressed.emit(Progress(phase=Phase.AWAITING_REVIEW, run=self._run, text=str(error)))

    def _work(self) -> None:
        try:
            with Client(self._wish.endpoint, token=self._wish.token) as client:
                self._denoise(client)
        except _StoppedError:
            self.failed.emit("")
        except RunEnded as error:
            self.failed.emit("" if error.is_cancelled else str(error))
        except (ClearstackError, OSError) as error:
            self.failed.emit(str(error))
        except Exception as error:
            # The last line of defence: without it the widget would wait for ever.
            self.failed.emit(f"Unexpected {type(error).__name__}: {error}")

    def _denoise(self, client: Client) -> None:
        sent, wish = self._sent, self._wish
        stack = client.stacks.upload(
            sent.data, pixel_size_um=sent.pixel_size_um, z_step_um=sent.z_step_um, progress=self._tell
        )
        training = client.trainings.create(
            stack.name,
            method=wish.method,  # type: ignore[arg-type]
            preset=wish.preset,  # type: ignore[arg-type]
            auto_approve=wish.auto_approve,
        )
        self._run = training.name
        try:
            ended = client.trainings.wait(training.name, progress=self._tell)
        except _StoppedError:
            client.trainings.cancel(training.name)
            raise
        found = client.stacks.to_array(ended.result_stack, progress=self._tell)
        self.done.emit(found.reshape(sent.data.shape), training.name)

    def _tell(self, progress: Progress) -> None:
        if self._is_stopped.is_set():
            raise _StoppedError
        self.progressed.emit(progress)
