"""Acquisitions that appear in an installation's store, as a microscope's PC would put them there, and what became of them."""

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import tifffile
from clearstack.v1 import rule_service_pb2 as pb
from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.denoising_service_pb2 import ListDenoisingsRequest
from clearstack.v1.rule_service_pb2 import Acquisition, AcquisitionState, Rule
from clearstack.v1.stack_service_pb2 import ListStacksRequest, Stack
from clearstack_embedded.settings import BUCKET
from e2e.support import backends
from e2e.support.api import Api
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until
from minio import Minio

INCOMING, RESULTS = "incoming/night/", "denoised/night/"
_SIDE_PX, _NUM_SLICES = 48, 2
# What the store says that it is, but for what is left over where it is not.
_NOT_DATA = ("night.xml", ".hidden.tif", "scan.tif.part", "empty.tif")


@dataclass(slots=True)
class Arrivals:
    """Puts small stacks into the store, each another one.

    Attributes:
        sent: SHA-256 by key, in order of arrival.
    """

    client: Minio
    sent: dict[str, str] = field(default_factory=dict)

    def arrive(self, number: int) -> str:
        """One more stack; returns its key."""
        key, data = f"{INCOMING}scan-{number:04d}.tif", _tiff(number)
        self.client.put_object(BUCKET, key, io.BytesIO(data), len(data))
        self.sent[key] = hashlib.sha256(data).hexdigest()
        return key

    def litter(self) -> None:
        """What lies beside acquisitions and is none."""
        for name in _NOT_DATA:
            data = b"" if name.startswith("empty") else _tiff(0)
            self.client.put_object(BUCKET, INCOMING + name, io.BytesIO(data), len(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What an installation has made of what arrived."""

    acquisitions: Sequence[Acquisition]
    denoisings: Sequence[Denoising]
    stacks: dict[str, Stack]
    result_keys: Sequence[str]

    def wrong(self, arrivals: Arrivals, num_other_stacks: int) -> list[str]:
        """Everything that is not as it should be: each handled once, none missed, in order of arrival."""
        keys = Counter(each.key for each in self.acquisitions)
        found = [f"{key} was handled {count} times" for key, count in keys.items() if count > 1]
        found += [f"{key} was missed" for key in arrivals.sent.keys() - keys]
        found += [f"{key} is no acquisition" for key in keys.keys() - arrivals.sent]
        found += [
            f"{each.key} is {AcquisitionState.Name(each.state)}: {each.failure.message}"
            for each in self.acquisitions
            if each.state != pb.ACQUISITION_STATE_STORED
        ]
        found += [
            f"{each.key} is not what was sent"
            for each in self.acquisitions
            if each.stack in self.stacks and self.stacks[each.stack].sha256 != arrivals.sent.get(each.key)
        ]
        if len(self.denoisings) != len(arrivals.sent):
            found.append(f"{len(self.denoisings)} denoisings of {len(arrivals.sent)} acquisitions")
        if len(self.stacks) != len(arrivals.sent) + num_other_stacks:
            found.append(f"{len(self.stacks)} stacks of {len(arrivals.sent)} acquisitions")
        if sorted(self.result_keys) != sorted(_expected(arrivals.sent)):
            found.append(f"{len(self.result_keys)} objects below {RESULTS}")
        if (late := self._out_of_order(list(arrivals.sent))) > 0:
            found.append(f"{late} were begun out of order")
        return found

    def _out_of_order(self, arrived: Sequence[str]) -> int:
        key_of = {each.stack: each.key for each in self.acquisitions}
        begun = sorted(self.denoisings, key=lambda each: each.create_time.ToNanoseconds())
        order = [key_of.get(each.stack, "") for each in begun]
        return sum(one != other for one, other in zip(order, arrived, strict=False))


def arrivals(installation: RunningInstallation) -> Arrivals:
    """A microscope's PC with a key for the installation's store."""
    return Arrivals(client=backends.client(installation))


def rule(api: Api, model: str) -> Rule:
    """A rule that denoises what arrives with a model."""
    wanted = Rule(display_name="night", prefix=INCOMING, results_prefix=RESULTS)
    wanted.denoise.model = model
    wanted.settle_time.FromMilliseconds(500)
    return api.rules.CreateRule(pb.CreateRuleRequest(rule=wanted)).rule


def listed(api: Api, *states: "AcquisitionState.ValueType") -> list[Acquisition]:
    """Every acquisition."""
    found: list[Acquisition] = []
    token = ""
    while True:
        request = pb.ListAcquisitionsRequest(page_size=1000, page_token=token, states=states)
        page = api.rules.ListAcquisitions(request)
        found += page.acquisitions
        if not (token := page.next_page_token):
            return found


def until_stored(api: Api, count: int, within_s: float) -> None:
    """Waits until so many acquisitions are over."""

    def look() -> bool:
        over = listed(api, pb.ACQUISITION_STATE_STORED, pb.ACQUISITION_STATE_FAILED)
        return len(over) >= count

    until(look, within_s, f"{count} acquisitions are over")


def handled(installation: RunningInstallation, api: Api) -> Handled:
    """What there is now."""
    denoisings = api.denoisings.ListDenoisings(ListDenoisingsRequest(page_size=1000)).denoisings
    stacks = api.stacks.ListStacks(ListStacksRequest(page_size=1000)).stacks
    return Handled(
        acquisitions=listed(api),
        denoisings=list(denoisings),
        stacks={each.name: each for each in stacks},
        result_keys=backends.keys(installation, RESULTS),
    )


def _expected(sent: dict[str, str]) -> list[str]:
    names = [key.removeprefix(INCOMING).removesuffix(".tif") for key in sent]
    return [f"{name}.{kind}" for name in names for kind in ("tif", "report.html", "report.json")]


def _tiff(number: int) -> bytes:
    rng = np.random.default_rng(number)
    ramp_YX = np.linspace(1000, 3000, _SIDE_PX)[None, :, None]
    stack_ZYX = (ramp_YX + rng.normal(0, 300, (_NUM_SLICES, _SIDE_PX, _SIDE_PX))).clip(0).astype(np.uint16)
    file = io.BytesIO()
    tifffile.imwrite(file, stack_ZYX, photometric="minisblack")
    return file.getvalue()
