"""Watching a training: everything from the start, to everybody, once."""

from concurrent.futures import ThreadPoolExecutor

from clearstack.v1.event_pb2 import Event
from clearstack.v1.model_service_pb2 import GetModelRequest
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_pb2 import STAGE_STATE_COMPLETE
from clearstack.v1.training_service_pb2 import WatchTrainingRequest
from e2e.support import configs
from e2e.support.api import WATCH_S, Api
from e2e.support.cli import clearstack
from e2e.support.events import epochs, kinds, states
from e2e.support.installation import RunningInstallation

_WATCHERS = 10
_EPOCHS = 5


def test_ten_watchers_see_the_same(api: Api, white: Stack) -> None:
    """All see every event of a running training, in one order, and so does who comes after its end."""  # spec: D2
    name = api.train(white, configs.n2v(epochs=_EPOCHS)).name

    def watch(_: int) -> list[tuple[int, str]]:
        return [(sequence, event.id) for sequence, event in api.watch(name)]

    with ThreadPoolExecutor(_WATCHERS) as pool:
        seen = list(pool.map(watch, range(_WATCHERS)))
    late = watch(0)
    assert all(each == late for each in seen)
    sequences = [sequence for sequence, _ in late]
    assert sequences == sorted(set(sequences))
    history = api.history(name)
    assert epochs(history) == list(range(1, _EPOCHS + 1))
    assert states(history) == ["TRAINING", "DENOISING", "COMPLETE"]
    assert kinds(history)[:2] == ["state_changed", "stage_started"]


def test_who_is_cut_off_misses_nothing(api: Api, white: Stack) -> None:
    """A watcher that comes back with `after_sequence` after every second event sees each event once."""  # spec: D2
    name = api.train(white, configs.n2v(epochs=_EPOCHS)).name
    seen: list[tuple[int, Event]] = []
    while not _piece(api, name, seen):
        assert len(seen) < 1000
    assert seen == list(api.watch(name))
    assert epochs(event for _, event in seen) == list(range(1, _EPOCHS + 1))


def test_a_watch_begins_with_the_training_as_it_is(api: Api, white: Stack) -> None:
    """The first message is a snapshot; progress tells losses, speed and the time left; the best network is kept."""  # spec: D3 D4 D14
    name = api.train(white, configs.n2v(epochs=2)).name
    first = next(iter(api.trainings.WatchTraining(WatchTrainingRequest(name=name), timeout=WATCH_S)))
    assert first.snapshot.name == name
    done = api.until_complete(name)
    told = [
        event.epoch_completed.progress for event in api.history(name) if event.HasField("epoch_completed")
    ]
    assert [progress.epoch_count for progress in told] == [2, 2]
    for progress in told:
        assert min(progress.training_loss, progress.validation_loss, progress.patches_per_second) > 0
        assert progress.best_validation_loss <= progress.validation_loss
        assert progress.learning_rate > 0
    assert told[0].seconds_left > told[1].seconds_left
    [kept] = api.models.GetModel(GetModelRequest(name=done.model)).model.stages
    assert kept.best_validation_loss == min(progress.validation_loss for progress in told)
    [stage] = done.stages
    is_on_cpu = stage.device.startswith("cpu")
    assert is_on_cpu or stage.device.startswith("cuda")
    assert is_on_cpu == any("slower than a GPU" in note for note in stage.notes)


def test_a_loss_that_no_longer_falls_ends_the_stage(
    api: Api, installation: RunningInstallation, white: Stack
) -> None:
    """It is COMPLETE, and who watches is told at which epoch it was stopped."""  # spec: C10 D5
    name = api.train(white, configs.n2v(epochs=500, early_stopping=True, patience=1, learning_rate=0.1)).name
    [stage] = api.until_complete(name).stages
    assert stage.state == STAGE_STATE_COMPLETE
    assert 1 < stage.stopped_early_epoch < 500
    assert epochs(api.history(name))[-1] == stage.stopped_early_epoch
    watched = clearstack("trainings", "watch", name, installation=installation)
    assert f"stopped early at epoch {stage.stopped_early_epoch}" in watched.out


def _piece(api: Api, name: str, seen: list[tuple[int, Event]]) -> bool:
    """Takes two more events, then hangs up; whether it came to the end."""
    after = seen[-1][0] if seen else 0
    call = api.trainings.WatchTraining(WatchTrainingRequest(name=name, after_sequence=after), timeout=WATCH_S)
    taken = 0
    for response in call:
        if response.HasField("event"):
            seen.append((response.sequence, response.event))
            taken += 1
            if taken == 2:
                call.cancel()
                return False
    return True
