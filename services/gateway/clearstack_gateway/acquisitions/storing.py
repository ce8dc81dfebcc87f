"""Puts a result and its report where the rule wants them."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from clearstack.v1 import training_pb2
from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.rule_service_pb2 import Rule
from clearstack.v1.stack_service_pb2 import Failure, Stack
from clearstack_common.errors import BackendUnavailableError, ClearstackError, NotFoundError
from clearstack_common.objects import ObjectStore, StoredObject
from clearstack_common.subjects import run_id

from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.ledger import Entry
from clearstack_gateway.use_cases.tables import Tables

_CANCELLED = Failure(
    reason="WRONG_STATE", message="Its run was cancelled. Retry it to have it done after all."
)
_DELETED = Failure(
    reason="RESOURCE_NOT_FOUND", message="Its run was deleted. Retry it to have it done after all."
)


class Storing:
    """Ends what runs have ended."""

    def __init__(self, tables: Tables, store: ObjectStore) -> None:
        self._tables = tables
        self._store = store

    async def finish(self, entry: Entry, *, is_outdated: bool) -> flow.Stored | flow.Fail | flow.Lost:
        """What became of an acquisition whose run is over; results are copied.

        Args:
            entry: The acquisition.
            is_outdated: Whether a newer version of the same object was stored already: its result stays.

        Raises:
            BackendUnavailableError: Broker or store are away; it is to be tried again.
        """
        try:
            run = await self._run(entry)
        except NotFoundError:
            return flow.Lost() if entry.value.acquisition.denoising else flow.Fail(failure=_DELETED)
        if run.failure.message:
            return flow.Fail(failure=run.failure)
        if not run.result_stack:
            return flow.Fail(failure=_CANCELLED)
        try:
            keys = [] if is_outdated else await self._copy(entry, run)
        except BackendUnavailableError:
            raise
        except ClearstackError as error:
            return flow.Fail(failure=error.as_failure(), result_stack=run.result_stack)
        return flow.Stored(result_stack=run.result_stack, model=run.model, keys=tuple(keys))

    async def _run(self, entry: Entry) -> Denoising:
        """The denoising that has made the result, or what stands for it where there is none."""
        acquisition = entry.value.acquisition
        if acquisition.denoising:
            return (await self._tables.denoisings.get(run_id(acquisition.denoising))).value.denoising
        training = (await self._tables.trainings.get(run_id(acquisition.training))).value.training
        if training.state != training_pb2.TRAINING_STATE_COMPLETE:
            return Denoising(failure=training.failure)
        made = (await self._tables.denoisings.get(run_id(training.report))).value.denoising
        return Denoising(
            result_stack=training.result_stack, model=training.model, report_files=made.report_files
        )

    async def _copy(self, entry: Entry, run: Denoising) -> Sequence[str]:
        result = (await self._tables.stacks.get(run_id(run.result_stack))).value
        source = (await self._tables.stacks.get(run_id(entry.value.acquisition.stack))).value
        base = result_base(entry, source)
        wanted = {f"{base}.tif": result.object_key}
        wanted |= {f"{base}.{file.file_name}": file.object_key for file in run.report_files}
        target = self._store.in_bucket(entry.value.rule.results_bucket)
        for key, object_key in wanted.items():
            try:
                await target.copy_in(key, self._store.bucket, StoredObject(key=object_key, size_bytes=0))
            except ClearstackError:
                raise
            except Exception as error:
                raise ClearstackError(
                    f"The result cannot be copied to {target.bucket}/{key}: {error}. It is there as {run.result_stack}; "
                    "let the gateway's key write to that bucket, then retry."
                ) from error
        return list(wanted)


def result_base(entry: Entry, source: Stack) -> str:
    """The key of the result without its suffix: as the acquisition's, below the results' prefix."""
    rule: Rule = entry.value.rule
    acquisition = entry.value.acquisition
    if acquisition.key == source.object_key:  # it came through the API, under a name that others may have too
        return f"{rule.results_prefix}{PurePosixPath(source.display_name).stem}-{run_id(source.name)}"
    return rule.results_prefix + acquisition.key.removeprefix(rule.prefix).rpartition(".")[0]
