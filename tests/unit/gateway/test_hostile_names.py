"""Five hundred hostile names in every place that takes one: nothing outside of its place is read or written."""

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import grpc
import pytest
from clearstack.v1.model_service_pb2 import ImportModelRequest
from clearstack.v1.stack_service_pb2 import CreateStackRequest, CreateStackResponse
from clearstack.v1.training_service_pb2 import CreateTrainingRequest, CreateTrainingResponse
from clearstack_common.errors import InvalidFieldsError
from clearstack_gateway.use_cases.model_uploads import ModelUpload
from clearstack_gateway.use_cases.tables import id_in
from fakes import FakeStore
from google.protobuf.message_factory import GetMessageClass
from unit.gateway.api_rig import Api, Method, served
from unit.gateway.hostile import hostile_names
from unit.gateway.rig import N2V, Gateway

NAMES = hostile_names(500)
_NAMING = frozenset({"name", "stack", "training", "model"})
_KEY = re.compile(r"(stacks|trainings|models|results|records)/[A-Za-z0-9._/-]+")
_PROPER = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED}
# Calls for each field in CI; the long form in tests/chaos gives every name to every field.
_SHARE = 60


def test_the_names_are_as_many_as_promised() -> None:
    """Each is another one; all kinds are there."""
    assert len(set(NAMES)) == 500
    for kind in ("..", "\0", "\\", "%2e", "/", "\u202e", "*", "\x1b"):
        assert sum(kind in name for name in NAMES) > 5, kind
    assert any(len(name) > 5000 for name in NAMES)


@pytest.mark.parametrize("collection", ["stacks", "trainings", "models", "denoisings"])
def test_only_plain_ids_are_names(collection: str) -> None:
    """What is taken for a resource name is letters, digits and hyphens, whatever stands before it."""
    for name in NAMES:
        for given in (name, f"{collection}/{name}"):
            if re.fullmatch(rf"{collection}/[A-Za-z0-9-]*[A-Za-z0-9][A-Za-z0-9-]*", given):
                assert id_in(given, collection) == given.partition("/")[2]
                continue
            with pytest.raises(InvalidFieldsError) as caught:
                id_in(given, collection)
            assert "\0" not in caught.value.message
            assert len(caught.value.message) < 500


async def test_every_field_for_a_name(gateway: Gateway, tmp_path: Path) -> None:
    """Each call that takes a name answers that there is none, or that it is none; nothing appears anywhere."""
    await every_field(gateway, tmp_path, NAMES, share=_SHARE)


async def every_field(gateway: Gateway, folder: Path, names: Sequence[str], *, share: int) -> int:
    """Gives names to each field of each call, to each a share of them; returns how many calls that made."""
    before = dict(gateway.store.objects)
    number = 0
    async with served(gateway, calls_per_second=1e9, calls_at_once=10**9) as endpoint:
        api = Api(endpoint)
        for method, field in _fields(await api.methods()):
            for name in [names[(number + step) % len(names)] for step in range(share)]:
                number += 1
                if name in {"stacks/s", ""} or f"/{name}" == "/stacks/s":
                    continue
                request = GetMessageClass(method.descriptor.input_type)(**{field: name})
                outcome = await api.call(method, request.SerializeToString(), most_responses=1)
                assert outcome.code in _PROPER, (method.path, field, name, outcome)
        await api.close()
    assert gateway.store.objects == before
    assert _strangers(folder, gateway.settings.scratch) == []
    return number


def _fields(methods: Sequence[Method]) -> list[tuple[Method, str]]:
    return [
        (method, field.name)
        for method in methods
        for field in method.descriptor.input_type.fields
        if field.name in _NAMING
    ]


async def test_names_for_people_become_no_keys(gateway: Gateway, tmp_path: Path) -> None:
    """A display name, a session and a request id may be anything or are refused; keys are ours, and so are ids."""
    async with served(gateway) as endpoint:
        api = Api(endpoint)
        by_name = {method.descriptor.name: method for method in await api.methods()}
        for name in NAMES:
            stack_request = CreateStackRequest(display_name=name, request_id=name)
            outcome = await api.call(by_name["CreateStack"], stack_request.SerializeToString())
            stack = CreateStackResponse.FromString(outcome.responses[0]).stack
            assert re.fullmatch(r"stacks/[0-9a-z]{12}", stack.name)
            assert stack.object_key == f"{stack.name}/original.tif"
            assert stack.display_name.isprintable()
            assert "/" not in stack.display_name
            training_request = CreateTrainingRequest(
                stack="stacks/s", method=N2V, session=name, display_name=name, request_id=name
            )
            outcome = await api.call(by_name["CreateTraining"], training_request.SerializeToString())
            if outcome.code is grpc.StatusCode.OK:
                training = CreateTrainingResponse.FromString(outcome.responses[0]).training
                assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", training.session)
                assert training.display_name.isprintable()
            else:
                assert outcome.code is grpc.StatusCode.INVALID_ARGUMENT
                assert "session" in outcome.details
        await api.close()
    assert all(_KEY.fullmatch(key) and ".." not in key for key in gateway.store.objects)
    assert _strangers(tmp_path, gateway.settings.scratch) == []


async def test_files_of_a_model_have_their_names_or_none(gateway: Gateway, tmp_path: Path) -> None:
    """An import takes the dozen names that a model's files have; any other ends it, and leaves nothing behind."""
    store, scratch = FakeStore(), tmp_path / "scratch"

    async def one(name: str) -> None:
        async def chunks() -> AsyncIterator[tuple[str, bytes]]:
            yield "config.json", b"{}"
            yield name, b"data"

        with pytest.raises(InvalidFieldsError):
            await ModelUpload(store, scratch, "models/imported/x/upload/y", 1 << 20).receive(chunks())

    for name in NAMES:
        if name:
            await one(name)
            await one(f"stage1/{name}")
    assert store.objects == {}
    assert list(scratch.iterdir()) == []
    assert _strangers(tmp_path, scratch) == []
    request = ImportModelRequest(file_name="../config.json", data=b"{}")
    async with served(gateway) as endpoint:
        api = Api(endpoint)
        [method] = [each for each in await api.methods() if each.descriptor.name == "ImportModel"]
        assert (await api.call(method, request.SerializeToString())).code is grpc.StatusCode.INVALID_ARGUMENT
        await api.close()


def _strangers(folder: Path, scratch: Path) -> list[Path]:
    """Files below a folder that are not in the scratch folder."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(scratch)]
