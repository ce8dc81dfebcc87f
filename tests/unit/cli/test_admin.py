"""`clearstack deadletters …` and `clearstack admin …`."""

import json
from collections.abc import Callable

import pytest
from clearstack.v1.admin_service_pb2 import RebuildRecordsResponse, RebuiltRecords
from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.stack_service_pb2 import Failure
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]
_NAME = "deadletters/abc123"


@pytest.fixture
def letter(gateway: FakeGateway) -> DeadLetter:
    """One letter."""
    letter = DeadLetter(
        name=_NAME,
        subject="clearstack.cmd.train.t1",
        delivery_count=5,
        failure=Failure(reason="OUT_OF_SPACE", message="The disk is full."),
        run="trainings/t1",
        data=b'{"id": "t1.train"}',
    )
    letter.create_time.GetCurrentTime()
    gateway.letters[_NAME] = letter
    return letter


def test_no_letter_is_good_news(run: Run) -> None:
    """Nothing to see is said."""
    result = run("deadletters", "list")
    assert result.exit_code == 0
    assert "every message was dealt with" in result.output


@pytest.mark.usefixtures("letter")
def test_letters_are_listed_and_shown(run: Run) -> None:
    """Which run, why, how often; one letter with its message, found by the beginning of its id."""
    listed = run("deadletters", "list").output
    assert all(text in listed for text in ("abc123", "trainings/t1", "The disk is full.", "5"))
    shown = run("deadletters", "show", "abc").output
    assert "t1.train" in shown
    assert json.loads(run("deadletters", "list", "--json").stdout)["dead_letters"][0]["name"] == _NAME


@pytest.mark.parametrize(
    ("run_name", "told"), [("trainings/t1", "trainings/t1 goes on"), ("", "handed out again")]
)
def test_retry_tells_what_goes_on(
    run: Run, gateway: FakeGateway, letter: DeadLetter, run_name: str, told: str
) -> None:
    """A run goes on, or a message is handed out again; the letter is gone."""
    letter.run = run_name
    assert told in run("deadletters", "retry", _NAME).output
    assert not gateway.letters


def test_drop_forgets_the_letter(run: Run, gateway: FakeGateway, letter: DeadLetter) -> None:
    """And one that is not there is a sentence, not a traceback."""
    assert run("deadletters", "drop", letter.name).exit_code == 0
    assert not gateway.letters
    missing = run("deadletters", "drop", "abc")
    assert missing.exit_code == 1
    assert "clearstack deadletters list" in missing.output


def test_rebuild_counts_and_names_problems(run: Run, gateway: FakeGateway) -> None:
    """What was restored, what was there, what could not be restored; --dry-run only asks."""
    gateway.rebuilt = RebuildRecordsResponse(
        rebuilt=[RebuiltRecords(collection="stacks", restored_count=17, present_count=3)],
        problems=["stacks/x is not restored: its file is not in the object store."],
    )
    output = run("admin", "rebuild", "--dry-run").output
    assert all(
        text in output for text in ("stacks", "17", "3", "stacks/x is not restored", "Nothing was changed")
    )
    assert "Nothing was changed" not in run("admin", "rebuild").output
    assert gateway.calls == ["RebuildRecords True", "RebuildRecords False"]
