from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Run = Callable[..., Result]


def test_denoise_writes_the_report_beside_the_result(run: Run, noisy: Path, tmp_path: Path) -> None:
    """--report gets the page of the training that was made."""  # spec: F3
    page = tmp_path / "report.html"
    result = run("denoise", noisy, "-o", tmp_path / "out.tif", "--report", page)
    assert result.exit_code == 0, result.output
    assert page.read_text().startswith("<html>trainings/")


def test_denoise_with_several_inputs_takes_a_folder_for_reports(
    run: Run, noisy: Path, tmp_path: Path
) -> None:
    """Each input has its own; a file for all of them is refused before anything is sent."""  # spec: F3
    other = tmp_path / "other.tif"
    other.write_bytes(noisy.read_bytes())
    refused = run("denoise", noisy, other, "--report", tmp_path / "report.html")
    assert refused.exit_code != 0
    assert "--report is a folder" in refused.stderr
    (tmp_path / "reports").mkdir()
    assert run("denoise", noisy, other, "--report", tmp_path / "reports").exit_code == 0
    assert {each.name for each in (tmp_path / "reports").iterdir()} == {
        "noisy-report.html",
        "other-report.html",
    }


def test_trainings_report(run: Run, noisy: Path, tmp_path: Path) -> None:
    """As a page, of one stage, or as JSON by the file's name."""  # spec: F3
    training_id = run("train", noisy).stdout.split()[-1]
    assert run("trainings", "report", training_id, "-o", tmp_path / "a.html", "--stage", 1).exit_code == 0
    assert (tmp_path / "a.html").read_text() == f"<html>trainings/{training_id} 1</html>"
    assert run("trainings", "report", training_id, "-o", tmp_path / "a.json").exit_code == 0
    assert (tmp_path / "a.json").read_text() == "{}"


def test_a_report_is_not_written_into_nowhere(run: Run, noisy: Path, tmp_path: Path) -> None:
    """A folder that does not exist is told before anything happens."""  # spec: F3
    result = run("denoise", noisy, "--report", tmp_path / "nowhere" / "report.html")
    assert result.exit_code != 0
    assert "does not exist" in result.stderr
