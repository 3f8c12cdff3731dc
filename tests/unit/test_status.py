"""`ratchet status`: how production does, and since when that is known."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ratchet.apps.cli import production
from ratchet.rollout.state import PodReport, Progress, State
from ratchet.settings import Settings
from tests.support.loop import Loop, first_champion


@pytest.fixture
def loop() -> Loop:
    """January made version 1 the champion."""
    return first_champion()


@pytest.fixture
def status(loop: Loop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Asks, and gives the answer as a person reads it in one line, or as JSON."""
    monkeypatch.setenv("RATCHET_PROJECT", "here")
    monkeypatch.setenv("COLUMNS", "300")
    ports = {"registry": loop.at.registry, "journal": loop.at.journal, "rollout": loop.at.rollout}
    wiring = SimpleNamespace(project=loop.project, settings=Settings(), **ports)
    monkeypatch.setattr(production, "Wiring", SimpleNamespace(load=lambda: wiring))

    def ask(*, as_json: bool = False) -> Any:
        production.status(as_json=as_json)
        said = capsys.readouterr().out
        return json.loads(said) if as_json else " ".join(said.replace("\u2502", " ").split())

    return ask


def test_before_later_labels_the_figure_is_said_to_be_that_of_training(status: Any) -> None:
    assert "AUC at training, on 2024-01-01 0." in status()
    given = status(as_json=True)
    assert given["production"]["measured"] is None
    assert given["production"]["metrics"]["holdout_auc"] > 0.5


def test_the_newest_measurement_is_said_with_its_date_and_interval(loop: Loop, status: Any) -> None:
    loop.run(loop.arrive(2))
    loop.run(loop.arrive(3))
    (*_, entry) = loop.at.journal.history().measurements(1)
    found, said, given = entry.event, status(), status(as_json=True)
    assert f"AUC on 2024-03-01 {found.value:.3f} ({found.low:.3f} to {found.high:.3f}), {found.rows:,} held-out rows" in said
    assert "at training" not in said
    measured = given["production"]["measured"]
    assert (measured["as_of"], measured["value"], measured["low"]) == ("2024-03-01", found.value, found.low)
    assert (given["fallen"], given["on_probation"], given["waiting_for_labels"]) == (None, False, [])


def test_a_champion_that_fell_is_said_with_the_inequality(loop: Loop, status: Any) -> None:
    loop.measure(loop.arrive(2, turn=0.5))
    assert "worse than it was AUC of 2024-02 0.5" in status()
    assert "lower end of the fall" in status(as_json=True)["fallen"]


def test_previous_and_challengers_stand_beside_the_champion(loop: Loop, status: Any) -> None:
    assert loop.run(loop.arrive(2, turn=1)) == "done"
    said = status()
    assert "probation version 1 comes back if it is better on the next labelled snapshot" in said
    loop.run(loop.arrive(3, turn=1), force=True)
    loop.run_id = "another"
    loop.run(loop.arrive(4, turn=1))
    said, given = status(), status(as_json=True)
    assert "previous version 1 (ratchet rollback), AUC 0." in said
    assert "against version 2" in said
    assert "challengers version 3, AUC 0." in said
    assert given["previous"]["measured"]["as_of"] == "2024-04-01"
    assert [item["version"] for item in given["challengers"]] == [3]


def test_what_waits_for_labels_is_said_with_the_date_since_when(loop: Loop, status: Any) -> None:
    assert loop.run(loop.arrive(2, shift=1, labelled=False)) == "UNKNOWN"
    assert "waits for labels drift since 2024-02-01: drift_share 0.333" in status()
    (wish,) = status(as_json=True)["waiting_for_labels"]
    assert (wish["wish"], wish["since"]) == ("drift", "2024-02-01")


@pytest.mark.parametrize(
    ("pods", "state", "said"),
    [
        ([], State.STUCK, "agree NO: nothing serves: pod-1: ErrImagePull"),
        ([PodReport("pod-1", 1, ready=False)], State.WAITING, "agree NO: nothing serves: pod-1: ErrImagePull"),
        ([PodReport("pod-0", 1, ready=True)], State.WAITING, "agree NO: the rollout is not complete: pod-1: ErrImagePull"),
        ([PodReport("pod-0", 2, ready=True)], State.READY, "agree NO: alias and pods differ, ratchet reconcile mends it"),
        ([PodReport("pod-0", 1, ready=True)], State.READY, "agree yes"),
    ],
)
def test_pods_that_do_not_serve_or_hang_do_not_agree(
    loop: Loop, status: Any, monkeypatch: pytest.MonkeyPatch, pods: list[PodReport], state: State, said: str
) -> None:
    monkeypatch.setattr(loop.at.rollout, "pods", lambda: pods)
    monkeypatch.setattr(loop.at.rollout, "progress", lambda: Progress(state, "pod-1: ErrImagePull"))
    assert said in status()
    assert status(as_json=True)["agree"] is ("yes" in said)


def test_older_pods_that_are_ending_keep_nothing_from_agreeing(loop: Loop, status: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress(State.WAITING, "pod pod-0 of an older template is ending", leaving=True)
    monkeypatch.setattr(loop.at.rollout, "progress", lambda: progress)
    assert "agree yes" in status()
