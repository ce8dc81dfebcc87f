"""Whether a rule could work: what it names is looked up."""

from clearstack.v1.rule_service_pb2 import Rule
from clearstack_common.errors import (
    BackendUnavailableError,
    ClearstackError,
    InvalidFieldsError,
    NotFoundError,
)
from clearstack_common.objects import ObjectStore

from clearstack_gateway.acquisitions.checking import training_wish, violations
from clearstack_gateway.use_cases.models import require_ready
from clearstack_gateway.use_cases.tables import Tables, id_in, not_found
from clearstack_gateway.use_cases.trainings import wrong_wishes

_Violations = list[tuple[str, str]]


async def check(rule: Rule, tables: Tables, store: ObjectStore) -> None:
    """Refuses a completed rule with which something is wrong.

    Raises:
        InvalidFieldsError: Names every field that is wrong.
    """
    others = [stored.value for stored in await tables.rules.list()]
    wrong = [*violations(rule, others, store.bucket), *await _wrong_model(rule, tables)]
    if rule.HasField("train"):
        wrong += [(f"train.{field}", text) for field, text in wrong_wishes(training_wish(rule.train))]
    if rule.HasField("reuse"):
        wish = training_wish(rule.reuse.otherwise)
        wrong += [(f"reuse.otherwise.{field}", text) for field, text in wrong_wishes(wish)]
    if not wrong:
        wrong = await _wrong_buckets(rule, store)
    if wrong:
        raise InvalidFieldsError(wrong)


async def _wrong_model(rule: Rule, tables: Tables) -> _Violations:
    if not rule.HasField("denoise"):
        return []
    field = "denoise.model"
    try:
        require_ready((await tables.models.get(id_in(rule.denoise.model, "models", field))).value)
    except InvalidFieldsError as error:
        return list(error.violations)
    except NotFoundError:
        return [(field, not_found(rule.denoise.model, "models").message)]
    except BackendUnavailableError:
        raise
    except ClearstackError as error:
        return [(field, error.message)]
    return []


async def _wrong_buckets(rule: Rule, store: ObjectStore) -> _Violations:
    wrong = []
    for field, bucket in (("source_bucket", rule.source_bucket), ("results_bucket", rule.results_bucket)):
        try:
            await store.in_bucket(bucket).page(rule.prefix, "", 1)
        except BackendUnavailableError:
            raise
        except Exception:  # whatever the store says: there is none, or we may not look
            wrong.append(
                (field, f"is {bucket!r}, which the gateway's key for the object store does not open")
            )
    return wrong
