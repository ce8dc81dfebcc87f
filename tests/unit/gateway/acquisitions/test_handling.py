"""New acquisitions, from the moment they appear to the moment their results are where they belong."""

import asyncio
import json
from pathlib import Path

import pytest
from clearstack.v1.config_pb2 import TrainingConfig
from clearstack.v1.rule_service_pb2 import ReuseAction, Rule, TrainAction
from clearstack_gateway.acquisitions import flow
from clearstack_gateway.use_cases.rebuild import Rebuild
from fakes import FakeBroker
from google.protobuf.field_mask_pb2 import FieldMask
from unit.gateway.acquisitions.night import PREFIX, RESULTS, Night
from unit.gateway.rig import N2V, Gateway, tiff_bytes


@pytest.fixture
def night(gateway: Gateway) -> Night:
    """An evening on which nothing has arrived yet."""
    return Night(gateway)


class Mortal(FakeBroker):
    """A broker that goes away after a number of calls, at whatever point that is."""

    calls_left = 10**9

    async def arrive(self) -> None:
        """As every call, until there are none left."""
        self.calls_left -= 1
        if self.calls_left <= 0:
            self.set_away(away=True)
        await super().arrive()


def _results(gateway: Gateway) -> list[str]:
    return sorted(key for key in gateway.store.objects if key.startswith(RESULTS))


async def test_what_arrives_is_denoised_and_put_where_it_belongs(night: Night) -> None:
    """In order of arrival; once, however often the store is looked through; what lies beside is left alone."""
    await night.rule()
    for minute, name in enumerate(("b/late.tif", "a.tif")):
        await night.arrive(name, tiff_bytes(2 + minute), minute)
    for name in ("a.tif.part", ".b.tif", "a.xml"):
        await night.arrive(name)
    done = await night.until_over(2)
    assert [(each.key, each.state) for each in done] == [
        (f"{PREFIX}b/late.tif", flow.STORED),
        (f"{PREFIX}a.tif", flow.STORED),
    ]
    assert _results(night.gateway) == [
        f"{RESULTS}{name}.{kind}"
        for name in ("a", "b/late")
        for kind in ("report.html", "report.json", "tif")
    ]
    begun = await night.gateway.tables.denoisings.list()
    order = sorted(begun, key=lambda each: each.value.denoising.create_time.ToNanoseconds())
    assert [each.value.denoising.stack for each in order] == [each.stack for each in done]
    await night.until_over(2)
    assert len(await night.gateway.tables.denoisings.list()) == 2


async def test_a_file_that_still_grows_is_not_taken(night: Night) -> None:
    """Only the version that stays is; the others leave no trace."""
    rule = await night.rule()
    later = Rule(name=rule.name)
    later.settle_time.seconds = 3600
    await night.rules.update(later, FieldMask(paths=["settle_time"]))
    await night.arrive("a.tif", b"half")
    await night.lister.look()
    await night.arrive("a.tif", tiff_bytes(), 1)
    await night.lister.look()
    await night.deal()
    [acquisition] = await night.acquisitions()
    assert (acquisition.state, acquisition.size_bytes) == (flow.SETTLING, len(tiff_bytes()))
    assert len(await night.gateway.tables.stacks.list()) == 1


async def test_an_object_that_goes_in_time_is_let_go(night: Night) -> None:
    """It was seen, and is gone when its turn comes: no entry, no stack, no failure."""
    await night.rule()
    await night.arrive("a.tif")
    await night.lister.look()
    del night.gateway.store.objects[f"{PREFIX}a.tif"]
    await night.deal()
    assert await night.acquisitions() == []
    assert len(await night.gateway.tables.stacks.list()) == 1


async def test_a_file_that_is_refused_says_why_and_can_be_retried(night: Night) -> None:
    """The same words as at an upload; the others are not held up."""
    await night.rule()
    await night.arrive("broken.tif", b"no tiff at all")
    await night.arrive("good.tif", minute=1)
    broken, good = await night.until_over(2)
    assert (broken.state, broken.failure.reason, good.state) == (flow.FAILED, "NOT_A_TIFF", flow.STORED)
    again = await night.lookups.retry(broken.name)
    assert (again.state, again.attempt) == (flow.CLAIMED, 2)
    broken, _ = await night.until_over(2)
    assert (broken.state, broken.attempt) == (flow.FAILED, 2)


async def test_an_outage_at_the_very_end_fails_nothing(night: Night) -> None:
    """The store goes away while results are copied: they are copied when it is back."""  # spec: D8
    await night.rule()
    await night.arrive("a.tif")
    await night.lister.look()
    await night.deal()
    while night.gateway.broker.jobs:
        await night.gateway.serve_job()
    night.gateway.store.is_away = True
    await night.deal()
    [acquisition] = await night.acquisitions()
    assert acquisition.state == flow.DENOISING
    night.gateway.store.is_away = False
    [acquisition] = await night.until_over()
    assert acquisition.state == flow.STORED


async def test_other_buckets_of_the_store(night: Night) -> None:
    """Acquisitions come from one, results go to another."""
    await night.model()
    wanted = Rule(prefix=PREFIX, source_bucket="microscope", results_bucket="results-of-all")
    wanted.settle_time.SetInParent()
    wanted.denoise.model = "models/m"
    await night.rules.create(wanted, "", "", validate_only=False)
    await night.arrive("a.tif", bucket="microscope")
    [done] = await night.until_over()
    assert done.state == flow.STORED, done.failure.message
    assert sorted(night.gateway.store.in_bucket("results-of-all").objects) == sorted(done.result_keys)


async def test_the_first_trains_and_the_others_reuse_its_model(night: Night) -> None:
    """While it trains those with the same noise wait; one with other noise trains a model of its own."""
    otherwise = TrainAction(method=N2V, config=TrainingConfig(seed=1))
    await night.rule(reuse=ReuseAction(otherwise=otherwise))
    night.levels = {"loud.tif": 40.0}
    for minute, name in enumerate(("first.tif", "second.tif", "loud.tif")):
        await night.arrive(name, tiff_bytes(2 + minute), minute)
    first, second, loud = await night.until_over(3)
    assert [each.state for each in (first, second, loud)] == [flow.STORED] * 3, first.failure.message
    assert [bool(each.training) for each in (first, second, loud)] == [True, False, True]
    assert second.model == first.model != loud.model
    assert "first.tif" in second.model_reason


async def test_limits_make_it_wait(night: Night) -> None:
    """As many runs as the installation takes: it waits, says so, and goes on when there is room."""
    night.gateway.settings = night.gateway.settings.model_copy(update={"max_waiting_runs": 1})
    night = Night(night.gateway)
    await night.rule()
    waiting = await night.gateway.new_training(method=N2V)
    await night.arrive("a.tif")
    await night.lister.look()
    await night.deal()
    [acquisition] = await night.acquisitions()
    assert "CLEARSTACK_MAX_WAITING_RUNS" in acquisition.waiting_for
    await night.gateway.trainings.cancel(waiting.name)
    [acquisition] = await night.until_over()
    assert (acquisition.state, acquisition.waiting_for) == (flow.STORED, "")


async def test_a_notification_hastens(night: Night) -> None:
    """What it names is looked up: what is there is met at once, what is not there, or nobody's, is nothing."""
    await night.rule()
    await night.arrive("a.tif")

    def told(key: str, bucket: str = "clearstack") -> bytes:
        s3 = {"bucket": {"name": bucket}, "object": {"key": key}}
        return json.dumps({"Records": [{"eventName": "s3:ObjectCreated:Put", "s3": s3}]}).encode()

    for message in (told(f"{PREFIX}b.tif"), told("else/a.tif"), told(f"{PREFIX}a.tif", "other"), b"{"):
        await night.lister.hear(message)
    assert await night.acquisitions() == []
    for _ in range(2):
        await night.lister.hear(told("incoming%2Fa.tif"))
    assert [each.key for each in await night.acquisitions()] == [f"{PREFIX}a.tif"]


async def test_an_uploaded_stack_can_be_handed_to_a_rule(night: Night) -> None:
    """Twice counts once; the result carries the stack's own name and id."""
    rule = await night.rule()
    stack = await night.gateway.stacks.get("stacks/s")
    for _ in range(2):
        await night.lookups.hand_over(stack, rule)
    [done] = await night.until_over()
    assert (done.state, done.stack) == (flow.STORED, "stacks/s")
    assert f"{RESULTS}s-s.tif" in done.result_keys


@pytest.mark.parametrize("calls", range(4, 100, 16))
async def test_it_goes_on_wherever_it_was_cut_off(tmp_path: Path, calls: int) -> None:
    """The broker goes away at any of its calls, and another gateway takes over: one stack, one run, one result."""  # spec: D8
    broker = Mortal()
    gateway = Gateway(tmp_path, broker)
    night = Night(gateway)
    await night.rule()
    await night.arrive("a.tif")
    broker.calls_left = calls
    cut_off = asyncio.ensure_future(night.until_over())
    while not (cut_off.done() or broker.is_away):
        await broker.changed.wait(0.1)
    cut_off.cancel()
    await asyncio.gather(cut_off, *night.foreman._working.values(), return_exceptions=True)
    broker.calls_left = 10**9
    broker.set_away(away=False)
    broker.pass_time(60)  # what was handed to whoever is gone is handed out again
    other = Gateway(tmp_path / "other", broker, gateway.store)
    await other.runs.recover()
    [done] = await Night(other).until_over()
    assert done.state == flow.STORED, done.failure.message
    assert len(await other.tables.stacks.list()) == 2  # the acquisition's and its result
    assert len(await other.tables.denoisings.list()) == 1


async def test_rules_and_ledger_survive_a_broker_that_has_lost_everything(
    night: Night, tmp_path: Path
) -> None:
    """They are restored from the store; what was handled is not handled again."""  # spec: D8
    await night.rule()
    await night.arrive("a.tif")
    await night.until_over()
    await night.gateway.mirror.write()
    for stored in await night.gateway.tables.models.list():
        for file in stored.value.stages[0].files:
            await night.gateway.store.put_bytes(file.object_key, b"bytes")
    other = Gateway(tmp_path / "other", store=night.gateway.store)
    restored = await Rebuild(other.tables, other.store).run(validate_only=False)
    assert {each.collection: each.restored_count for each in restored.rebuilt}["acquisitions"] == 1
    [done] = await Night(other).until_over()
    assert done.state == flow.STORED
    assert len(await other.tables.denoisings.list()) == 1
    await night.gateway.stop()
