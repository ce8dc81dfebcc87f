"""Lists, page by page, and the resource that a shortened id means."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import grpc
from clearstack.v1.admin_service_pb2 import (
    GetDeadLetterRequest,
    ListDeadLettersRequest,
    ListDeadLettersResponse,
)
from clearstack.v1.denoising_service_pb2 import (
    GetDenoisingRequest,
    ListDenoisingsRequest,
    ListDenoisingsResponse,
)
from clearstack.v1.model_service_pb2 import GetModelRequest, ListModelsRequest, ListModelsResponse
from clearstack.v1.rule_service_pb2 import (
    AcquisitionState,
    GetRuleRequest,
    ListAcquisitionsRequest,
    ListAcquisitionsResponse,
    ListRulesRequest,
    ListRulesResponse,
)
from clearstack.v1.stack_service_pb2 import GetStackRequest, ListStacksRequest, ListStacksResponse
from clearstack.v1.training_service_pb2 import GetTrainingRequest, ListTrainingsRequest, ListTrainingsResponse
from clearstack_client.errors import status_code
from google.protobuf.message import Message

from clearstack_cli.connection import Client
from clearstack_cli.errors import CliError

# Well below the 4 MiB that a message may have.
_PAGE_SIZE = 200
_SHOWN_MATCHES = 5


class _Page(Protocol):
    next_page_token: str

    def MergeFrom(self, other: Any) -> None: ...


PageT = TypeVar("PageT", bound=_Page)


def all_stacks(client: Client, *, results: bool = False) -> ListStacksResponse:
    """Every stack, newest first."""
    return _merged(
        lambda token: client.stacks.ListStacks(
            ListStacksRequest(page_size=_PAGE_SIZE, page_token=token, include_results=results)
        )
    )


def all_trainings(client: Client) -> ListTrainingsResponse:
    """Every training, newest first."""
    return _merged(
        lambda token: client.trainings.ListTrainings(
            ListTrainingsRequest(page_size=_PAGE_SIZE, page_token=token)
        )
    )


def all_models(client: Client) -> ListModelsResponse:
    """Every model, newest first."""
    return _merged(
        lambda token: client.models.ListModels(ListModelsRequest(page_size=_PAGE_SIZE, page_token=token))
    )


def all_dead_letters(client: Client) -> ListDeadLettersResponse:
    """Every dead letter, newest first."""
    return _merged(
        lambda token: client.admin.ListDeadLetters(
            ListDeadLettersRequest(page_size=_PAGE_SIZE, page_token=token)
        )
    )


def all_denoisings(client: Client, *, steps: bool = False) -> ListDenoisingsResponse:
    """Every denoising, newest first; with `steps` those that are part of trainings too."""
    return _merged(
        lambda token: client.denoisings.ListDenoisings(
            ListDenoisingsRequest(page_size=_PAGE_SIZE, page_token=token, include_training_steps=steps)
        )
    )


def all_rules(client: Client) -> ListRulesResponse:
    """Every rule, newest first."""
    return _merged(
        lambda token: client.rules.ListRules(ListRulesRequest(page_size=_PAGE_SIZE, page_token=token))
    )


def all_acquisitions(
    client: Client, rule: str = "", *states: "AcquisitionState.ValueType"
) -> ListAcquisitionsResponse:
    """Every acquisition of a rule, or of all, in some states, or in any; newest arrival first."""
    return _merged(
        lambda token: client.rules.ListAcquisitions(
            ListAcquisitionsRequest(rule=rule, states=states, page_size=_PAGE_SIZE, page_token=token)
        )
    )


def stack_name(client: Client, text: str) -> str:
    """The stack that was meant, as `stacks/{id}`."""
    return _Kind(
        "stack",
        "stacks",
        lambda name: client.stacks.GetStack(GetStackRequest(name=name)),
        lambda: all_stacks(client, results=True).stacks,
    ).resolve(text)


def training_name(client: Client, text: str) -> str:
    """The training that was meant, as `trainings/{id}`."""
    return _Kind(
        "training",
        "trainings",
        lambda name: client.trainings.GetTraining(GetTrainingRequest(name=name)),
        lambda: all_trainings(client).trainings,
    ).resolve(text)


def model_name(client: Client, text: str) -> str:
    """The model that was meant, as `models/{id}`."""
    return _Kind(
        "model",
        "models",
        lambda name: client.models.GetModel(GetModelRequest(name=name)),
        lambda: all_models(client).models,
    ).resolve(text)


def dead_letter_name(client: Client, text: str) -> str:
    """The dead letter that was meant, as `deadletters/{id}`."""
    return _Kind(
        "dead letter",
        "deadletters",
        lambda name: client.admin.GetDeadLetter(GetDeadLetterRequest(name=name)),
        lambda: all_dead_letters(client).dead_letters,
    ).resolve(text)


def rule_name(client: Client, text: str) -> str:
    """The rule that was meant, as `rules/{id}`."""
    return _Kind(
        "rule",
        "rules",
        lambda name: client.rules.GetRule(GetRuleRequest(name=name)),
        lambda: all_rules(client).rules,
    ).resolve(text)


def acquisition_name(client: Client, text: str) -> str:
    """The acquisition that was meant, as `acquisitions/{id}`."""
    start = f"acquisitions/{text.removeprefix('acquisitions/')}"
    names = [each.name for each in all_acquisitions(client).acquisitions if each.name.startswith(start)]
    if len(names) != 1:
        found = "no acquisition" if not names else f"{len(names)} acquisitions"
        raise CliError(f"There is {found} {text!r}; `clearstack rules failures` lists those that failed.")
    return names[0]


def denoising_name(client: Client, text: str) -> str:
    """The denoising that was meant, as `denoisings/{id}`."""
    return _Kind(
        "denoising",
        "denoisings",
        lambda name: client.denoisings.GetDenoising(GetDenoisingRequest(name=name)),
        lambda: all_denoisings(client, steps=True).denoisings,
    ).resolve(text)


def _merged(fetch: Callable[[str], PageT]) -> PageT:
    merged = page = fetch("")
    while page.next_page_token:
        page = fetch(page.next_page_token)
        merged.next_page_token = ""
        merged.MergeFrom(page)
    return merged


class _Named(Protocol):
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Kind:
    singular: str
    collection: str
    get: Callable[[str], Message]
    everything: Callable[[], Iterable[_Named]]

    def resolve(self, text: str) -> str:
        start = text.removeprefix(self.collection + "/")
        if not start:
            raise self._none(text)
        name = f"{self.collection}/{start}"
        if self._exists(name):
            return name
        matches = [each.name for each in self.everything() if each.name.startswith(name)]
        if len(matches) == 1:
            return matches[0]
        raise self._many(text, matches) if matches else self._none(text)

    def _exists(self, name: str) -> bool:
        try:
            self.get(name)
        except grpc.RpcError as error:
            if status_code(error) in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT}:
                return False
            raise
        return True

    def _none(self, text: str) -> CliError:
        return CliError(
            f"There is no {self.singular} whose id is or begins with '{text}'. "
            f"See them all with `clearstack {self.collection} list`."
        )

    def _many(self, text: str, matches: Sequence[str]) -> CliError:
        shown = ", ".join(each.rpartition("/")[2] for each in matches[:_SHOWN_MATCHES])
        more = f" and {len(matches) - _SHOWN_MATCHES} more" if len(matches) > _SHOWN_MATCHES else ""
        return CliError(
            f"'{text}' is the beginning of several {self.collection}: {shown}{more}. Give more letters."
        )
