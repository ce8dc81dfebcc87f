"""Models: listed, shown with links to their files, deleted."""

import contextlib
import time
from collections.abc import Sequence

from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1.model_service_pb2 import Model, ModelFileLink, StoredFile
from clearstack_common.bus import StoredRecord
from clearstack_common.errors import ConflictError, NotFoundError, WrongStateError
from clearstack_common.objects import ObjectStore
from clearstack_common.subjects import run_id

from clearstack_gateway.use_cases.model_records import ModelRecords
from clearstack_gateway.use_cases.naming import is_meant
from clearstack_gateway.use_cases.ordered import Key, Ordered
from clearstack_gateway.use_cases.tables import Tables, check_etag, etag_of, page_of
from clearstack_gateway.use_cases.usage import require_unused
from clearstack_gateway.workflow.model import is_ready

_REFUSED_KEPT_S = 3600


class Models:
    """What can be done with models."""

    def __init__(self, tables: Tables, store: ObjectStore, download_url_s: int) -> None:
        self._tables = tables
        self._store = store
        self._download_url_s = download_url_s
        self._records = ModelRecords(tables)
        self._by_age = Ordered(_age)

    async def get(self, name: str) -> tuple[Model, Sequence[ModelFileLink]]:
        """One model, with links from which its files can be fetched for a while."""
        model = _shown(await self._records.get(name))
        links = [
            await self._link(f"stage{stage.number}/{file.file_name}", file)
            for stage in model.stages
            for file in stage.files
        ] + [await self._link(f"mask/{file.file_name}", file) for file in model.mask_files]
        return model, links

    async def _link(self, path: str, file: StoredFile) -> ModelFileLink:
        url = await self._store.download_url(file.object_key, self._download_url_s)
        return ModelFileLink(path=path, url=url, size_bytes=file.size_bytes, sha256=file.sha256)

    async def list(self, page_size: int, page_token: str, letters: str = "") -> tuple[Sequence[Model], str]:
        """One page of models that are called so, newest first, and the token of the next; what was refused is none."""

        def keep(model: Model) -> bool:
            return is_meant(letters, model.display_name, model.name)

        everything = await self._tables.models.list()
        shown, token = page_of(self._by_age, everything, page_size, page_token, keep if letters else None)
        return [_shown(stored) for stored in shown], token

    async def delete(self, name: str, etag: str) -> None:
        """Removes a model and its files; its training and results stay.

        Raises:
            ClearstackError: IN_USE: its training, or a denoising, is not finished and needs it.
        """
        stored = await self._records.get(name)
        check_etag(etag, stored.value)
        await require_unused(self._tables, "model", {name})
        await self._tables.models.delete(stored)
        model = stored.value
        files = [file for stage in model.stages for file in stage.files]
        files += [*model.mask_files, *(export.file for export in model.exports)]
        leftovers: Sequence[str] = []
        if model.origin == pb.MODEL_ORIGIN_IMPORTED:  # the folder of a trained one is its training's
            leftovers = [found.key for found in await self._store.list(f"{model_folder(model)}/")]
        await self._store.delete({*(file.object_key for file in files), *leftovers})

    async def forget_refused(self) -> None:
        """Removes what is left of imports that were refused an hour ago or earlier.

        Until then whoever has missed the answer can still ask for it by the model's name.
        """
        for stored in await self._tables.models.list():
            age_s = time.time() - stored.value.update_time.ToSeconds()
            if stored.value.state == pb.MODEL_STATE_REFUSED and age_s > _REFUSED_KEPT_S:
                with contextlib.suppress(NotFoundError, ConflictError):  # another gateway was faster
                    await self.delete(stored.value.name, "")


def model_folder(model: Model) -> str:
    """Where a model's files are kept."""
    if model.origin == pb.MODEL_ORIGIN_IMPORTED or not model.stages:
        return f"models/imported/{run_id(model.name)}"
    # models/SESSION/TRAINING, as the training has named it
    return "/".join(model.stages[0].files[0].object_key.split("/")[:3])


def require_ready(model: Model) -> None:
    """Refuses a model that cannot denoise.

    Raises:
        WrongStateError: Says why.
    """
    if model.state == pb.MODEL_STATE_REFUSED:
        raise WrongStateError(f"The model was refused when it was imported: {model.failure.message}")
    if not is_ready(model):
        raise WrongStateError("The model is still being checked; try again in a moment.")


def _age(stored: StoredRecord[Model]) -> Key | None:
    if stored.value.state == pb.MODEL_STATE_REFUSED:
        return None
    return stored.value.create_time.ToNanoseconds(), stored.id


def _shown(stored: StoredRecord[Model]) -> Model:
    model = Model()
    model.CopyFrom(stored.value)
    model.etag = etag_of(stored.value)
    return model
