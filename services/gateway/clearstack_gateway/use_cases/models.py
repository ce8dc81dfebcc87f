"""Models: listed, shown with links to their files, deleted."""

from collections.abc import Sequence

from clearstack.v1.model_service_pb2 import Model, ModelFileLink, StoredFile
from clearstack_common.bus import StoredRecord
from clearstack_common.errors import NotFoundError
from clearstack_common.objects import ObjectStore

from clearstack_gateway.use_cases.tables import Tables, check_etag, id_in, not_found, page

_COLLECTION = "models"


class Models:
    """What can be done with models."""

    def __init__(self, tables: Tables, store: ObjectStore, download_url_s: int) -> None:
        self._tables = tables
        self._store = store
        self._download_url_s = download_url_s

    async def get(self, name: str) -> tuple[Model, Sequence[ModelFileLink]]:
        """One model, with links from which its files can be fetched for a while."""
        model = _shown(await self._get(name))
        links = [
            await self._link(f"stage{stage.number}/{file.file_name}", file)
            for stage in model.stages
            for file in stage.files
        ] + [await self._link(f"mask/{file.file_name}", file) for file in model.mask_files]
        return model, links

    async def _link(self, path: str, file: StoredFile) -> ModelFileLink:
        url = await self._store.download_url(file.object_key, self._download_url_s)
        return ModelFileLink(path=path, url=url, size_bytes=file.size_bytes, sha256=file.sha256)

    async def list(self, page_size: int, page_token: str) -> tuple[Sequence[Model], str]:
        """One page of models, newest first, and the token of the next."""
        shown, token = page(
            await self._tables.models.list(),
            lambda stored: (stored.value.create_time.ToNanoseconds(), stored.id),
            page_size,
            page_token,
        )
        return [_shown(stored) for stored in shown], token

    async def delete(self, name: str, etag: str) -> None:
        """Removes a model and its files; its training and results stay."""
        stored = await self._get(name)
        check_etag(etag, stored.revision)
        await self._tables.models.delete(stored)
        files = [file for stage in stored.value.stages for file in stage.files]
        await self._store.delete([file.object_key for file in [*files, *stored.value.mask_files]])

    async def _get(self, name: str) -> StoredRecord[Model]:
        try:
            return await self._tables.models.get(id_in(name, _COLLECTION))
        except NotFoundError:
            raise not_found(name, _COLLECTION) from None


def _shown(stored: StoredRecord[Model]) -> Model:
    model = Model()
    model.CopyFrom(stored.value)
    model.etag = str(stored.revision)
    return model
