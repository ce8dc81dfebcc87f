"""Rules: what is checked, what is filled in, what an update takes."""

import pytest
from clearstack.v1.rule_service_pb2 import Rule
from clearstack_common.errors import ConflictError, InvalidFieldsError, NotFoundError
from clearstack_gateway.acquisitions.rules import Rules
from google.protobuf.field_mask_pb2 import FieldMask
from unit.gateway.rig import N2V, Gateway


@pytest.fixture
def rules(gateway: Gateway) -> Rules:
    """No rules yet."""
    return Rules(gateway.tables, gateway.store)


def _training() -> Rule:
    rule = Rule()
    rule.train.method = N2V
    return rule


async def _refused(rules: Rules, rule: Rule) -> set[str]:
    with pytest.raises(InvalidFieldsError) as error:
        await rules.create(rule, "", "", validate_only=False)
    return {field for field, _ in error.value.violations}


async def test_what_is_left_open_is_filled_in(rules: Rules) -> None:
    """Prefix, settle time and places; the same request gives the same rule; `validate_only` gives none."""
    await rules.create(_training(), "x", "", validate_only=True)
    assert await rules.list(0, "") == ([], "")
    made = await rules.create(_training(), "x", "me", validate_only=False)
    assert (made.prefix, made.settle_time.seconds, made.results_bucket) == ("incoming/", 10, "clearstack")
    assert (made.results_prefix, made.creator) == (f"denoised/{made.name.removeprefix('rules/')}/", "me")
    assert await rules.create(_training(), "x", "me", validate_only=False) == made


async def test_every_wrong_field_is_named_at_once(rules: Rules) -> None:
    """Also those of the training that it would make."""
    rule = Rule(
        source_bucket="No!", results_bucket="other", prefix="/x", results_prefix="out", file_pattern="x" * 999
    )
    rule.settle_time.seconds = -1
    rule.train.config.stage1.epochs = -7
    assert await _refused(rules, rule) == {
        "source_bucket",
        "prefix",
        "results_prefix",
        "file_pattern",
        "settle_time",
        "train.config.stage1.epochs",
    }
    assert await _refused(rules, Rule()) == {"action"}
    unknown = Rule()
    unknown.denoise.model = "models/none"
    assert await _refused(rules, unknown) == {"denoise.model"}


@pytest.mark.parametrize("prefix", ["stacks/", "st", "records/x/", "models/a"])
async def test_the_installation_s_own_folders_are_no_place(rules: Rules, prefix: str) -> None:
    """Neither to take from nor to put into."""
    source, target = _training(), _training()
    source.prefix, target.results_prefix = prefix, prefix if prefix.endswith("/") else f"{prefix}acks/"
    assert "prefix" in await _refused(rules, source)
    assert "results_prefix" in await _refused(rules, target)


async def test_no_result_is_an_acquisition(rules: Rules) -> None:
    """Of the same rule, or of another one, whichever comes first."""
    own = _training()
    own.prefix, own.results_prefix = "in/", "in/denoised/"
    assert await _refused(rules, own) == {"results_prefix"}
    first = _training()
    first.prefix, first.results_prefix = "in/", "out/"
    await rules.create(first, "", "", validate_only=False)
    second = _training()
    second.prefix, second.results_prefix = "out/x/", "else/"
    assert await _refused(rules, second) == {"prefix"}


async def test_an_update_takes_what_the_mask_names(rules: Rules) -> None:
    """Without a mask what is set; an old etag is refused, and so is a field that is nobody's to choose."""
    made = await rules.create(_training(), "", "me", validate_only=False)
    changed = await rules.update(
        Rule(name=made.name, file_pattern="*_1.tif", disabled=True), FieldMask(paths=["disabled"])
    )
    assert (changed.disabled, changed.file_pattern, changed.creator) == (True, "", "me")
    changed = await rules.update(Rule(name=made.name, file_pattern="*_1.tif"), FieldMask())
    assert (changed.disabled, changed.file_pattern, changed.train.method) == (True, "*_1.tif", N2V)
    changed = await rules.update(Rule(name=made.name, display_name="n"), FieldMask(paths=["*"]))
    assert (changed.disabled, changed.file_pattern, changed.train.method) == (False, "", N2V)
    with pytest.raises(ConflictError):
        await rules.update(Rule(name=made.name, etag=made.etag), FieldMask())
    with pytest.raises(InvalidFieldsError, match="creator"):
        await rules.update(Rule(name=made.name), FieldMask(paths=["creator"]))


async def test_a_deleted_rule_is_gone(rules: Rules) -> None:
    """And the error says where to look."""
    made = await rules.create(_training(), "", "", validate_only=False)
    await rules.delete(made.name, made.etag)
    with pytest.raises(NotFoundError, match="clearstack rules list"):
        await rules.get(made.name)
