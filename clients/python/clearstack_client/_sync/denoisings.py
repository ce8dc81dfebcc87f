# Written by tools/unasync.py from its counterpart in _async: change that one.
"""Denoisings: runs of models on stacks, and the reports on results."""

import uuid
from collections.abc import Iterator
from typing import Any

from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.denoising_service_pb2 import (
    CancelDenoisingRequest,
    CreateDenoisingRequest,
    DownloadReportRequest,
    GetDenoisingRequest,
    ListDenoisingsRequest,
    ReportFormat,
    WatchDenoisingRequest,
    WatchDenoisingResponse,
)

from clearstack_client._sync.connection import Connection
from clearstack_client._sync.watching import resilient
from clearstack_client.errors import translated
from clearstack_client.progress import DENOISING_OVER, OnProgress, ignore, of_denoising, require_denoised


class Denoisings:
    """Run in the background; names are `denoisings/{id}`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        stack: str,
        model: str,
        *,
        stage: int = 0,
        output_dtype: str = "",
        display_name: str = "",
        request_id: str = "",
    ) -> Denoising:
        """Runs a model on a stack.

        Args:
            stack: `stacks/{id}`.
            model: `models/{id}`.
            stage: Whose network; 0 = the model's last.
            output_dtype: `float32` keeps full precision; empty = the input's.
            display_name: For the lists.
            request_id: The same id gives the same denoising; default: a new one.

        Raises:
            ClearstackError: It was refused.
        """
        calls = self._connection
        request = CreateDenoisingRequest(
            stack=stack,
            model=model,
            stage=stage,
            output_dtype=output_dtype,
            display_name=display_name,
            request_id=request_id or uuid.uuid4().hex,
        )
        return (calls.call(calls.denoisings.CreateDenoising, request)).denoising

    def get(self, name: str) -> Denoising:
        """The denoising as it is now."""
        calls = self._connection
        return (calls.insist(calls.denoisings.GetDenoising, GetDenoisingRequest(name=name))).denoising

    def list(self, *, include_training_steps: bool = False) -> Iterator[Denoising]:
        """Every denoising, newest first."""
        calls = self._connection
        request = ListDenoisingsRequest(include_training_steps=include_training_steps, page_size=200)
        for each in calls.pages(calls.denoisings.ListDenoisings, request, "denoisings"):
            yield each

    def watch(self, name: str, *, after_sequence: int = 0) -> Iterator[WatchDenoisingResponse]:
        """A snapshot, every event since `after_sequence`, and news until the denoising ends; survives restarts.

        Raises:
            ClearstackError: There is no such denoising, or the connection does not come back.
        """
        calls = self._connection

        def open_after(sequence: int) -> object:
            return calls.denoisings.WatchDenoising(WatchDenoisingRequest(name=name, after_sequence=sequence))

        def is_over() -> bool:
            found = calls.denoisings.GetDenoising(GetDenoisingRequest(name=name))
            return found.denoising.state in DENOISING_OVER

        with translated(calls.endpoint):
            for response in resilient(open_after, is_over, calls.patience(), after_sequence):
                yield response

    def wait(self, name: str, *, progress: OnProgress = ignore) -> Denoising:
        """Waits until a denoising is complete; returns it.

        Raises:
            RunEnded: It failed or was cancelled.
            ClearstackError: The connection does not come back.
        """
        for _ in self.watch(name):
            progress(of_denoising(self.get(name)))
        return require_denoised(self.get(name))

    def cancel(self, name: str) -> Denoising:
        """Ends a denoising."""
        calls = self._connection
        return (calls.call(calls.denoisings.CancelDenoising, CancelDenoisingRequest(name=name))).denoising

    def report(self, name: str, *, as_json: bool = False) -> bytes:
        """The report on a result, of a denoising or a training: one HTML page with its pictures, or JSON.

        Raises:
            ClearstackError: There is none.
        """
        calls = self._connection
        form = ReportFormat.REPORT_FORMAT_JSON if as_json else ReportFormat.REPORT_FORMAT_HTML
        with translated(calls.endpoint):
            parts: Any = calls.denoisings.DownloadReport(DownloadReportRequest(name=name, format=form))
            return b"".join([part.data for part in parts])
