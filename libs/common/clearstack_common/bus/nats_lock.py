"""The singleton training lock: a key with a TTL, renewed by compare-and-set, with a fencing token.

The revision at which the key was created, plus the moment at which the bucket was, is the token: tokens go on growing
when a broker has lost its data and counts from 1 again. `max_ack_pending=1` would not do: a stalled trainer's late
acknowledgement is accepted after another has taken over.
"""

import json
import time
from typing import Self

from nats.js import JetStreamContext, errors
from nats.js.kv import KeyValue

from clearstack_common.bus.nats_calls import broker_calls, made_us
from clearstack_common.bus.port import LockHolder
from clearstack_common.errors import BackendUnavailableError, ClearstackError

_KEY = "training"


class LockLostError(ClearstackError):
    """The training lock is not ours any more."""


class NatsTrainingLock:
    """The lock, held."""

    def __init__(
        self,
        jetstream: JetStreamContext,
        bucket: KeyValue,
        holder: str,
        ttl_s: int,
        *,
        revision: int,
        token: int,
    ) -> None:
        self._jetstream = jetstream
        self._bucket = bucket
        self._subject = f"$KV.{bucket._name}.{_KEY}"  # noqa: SLF001 - the bucket has no public name
        self._value = json.dumps({"holder": holder, "token": token, "since": time.time()}).encode()
        self._ttl_s = ttl_s
        self._revision = revision
        self.token = token

    @classmethod
    async def acquire(
        cls, jetstream: JetStreamContext, bucket: KeyValue, holder: str, ttl_s: int
    ) -> Self | None:
        """Takes the lock, or returns None while somebody else has it."""
        try:
            revision = await bucket.create(_KEY, json.dumps({"holder": holder}).encode(), msg_ttl=ttl_s)
        except (errors.KeyWrongLastSequenceError, errors.KeyNotFoundError):
            return None  # it is taken, or was until a moment ago
        token = await made_us(jetstream, bucket) + revision
        lock = cls(jetstream, bucket, holder, ttl_s, revision=revision, token=token)
        await lock.renew()  # writes the token, which is known only now, into the value
        return lock

    @staticmethod
    async def present_token(jetstream: JetStreamContext, bucket: KeyValue) -> int | None:
        """The token of whoever holds the lock now."""
        try:
            entry = await bucket.get(_KEY)
        except errors.KeyNotFoundError:
            return None
        value = json.loads(entry.value or b"{}")
        if "token" in value:
            return int(value["token"])
        return await made_us(jetstream, bucket) + (entry.revision or 0)

    @staticmethod
    async def present_holder(bucket: KeyValue) -> LockHolder | None:
        """Whoever holds the lock now; without its moment, it was acquired just now."""
        try:
            value = json.loads((await bucket.get(_KEY)).value or b"{}")
        except errors.KeyNotFoundError:
            return None
        return LockHolder(name=value.get("holder", ""), since_s=value.get("since", time.time()))

    async def renew(self) -> None:
        """Keeps the lock for another TTL (`KeyValue.update` would drop the TTL and make the lock immortal).

        Raises:
            LockLostError: It expired, or somebody else has it.
            BackendUnavailableError: The broker does not answer; the lock may still be ours.
        """
        try:
            await self._publish()
        except errors.APIError as error:
            # A renewal whose acknowledgement was lost has moved the revision on: then the value is still ours.
            if not await self._adopt_revision():
                raise LockLostError("The training lock was lost to another trainer.") from error
            await self._publish()

    async def _publish(self) -> None:
        headers = {"Nats-Expected-Last-Subject-Sequence": str(self._revision)}
        with broker_calls():
            ack = await self._jetstream.publish(
                self._subject, self._value, headers=headers, msg_ttl=self._ttl_s, timeout=self._ttl_s / 4
            )
        self._revision = ack.seq

    async def _adopt_revision(self) -> bool:
        with broker_calls():
            try:
                entry = await self._bucket.get(_KEY)
            except errors.KeyNotFoundError:
                return False
        if entry.value != self._value:
            return False  # keep our own revision: with the other's, `release` would take the lock from it
        self._revision = entry.revision or 0
        return True

    async def release(self) -> None:
        """Gives the lock back, if it is still ours."""
        try:
            with broker_calls():
                await self._bucket.delete(_KEY, last=self._revision)
        except (errors.APIError, BackendUnavailableError):
            return  # lost already, or it will expire
