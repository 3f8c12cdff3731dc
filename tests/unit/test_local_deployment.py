from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ratchet.core.errors import StaleComparison, Unavailable
from ratchet.rollout.local_deployment import Desired, LocalDeployment, Observed


def test_a_change_is_seen_by_everybody_and_made_once(tmp_path: Path) -> None:
    one, other = LocalDeployment(tmp_path), LocalDeployment(tmp_path)
    assert one.change(1, 0) == other.desired() == Desired(generation=1, version=1)
    assert other.change(1, 1) == Desired(generation=1, version=1)
    with pytest.raises(StaleComparison, match="no longer at 0"):
        other.change(2, 0)


def test_those_who_ask_at_once_do_not_take_one_another_for_a_gateway(tmp_path: Path) -> None:
    deployment = LocalDeployment(tmp_path)
    assert deployment.claim()
    deployment.release()
    answers: list[bool] = []

    def ask() -> None:
        answers.extend(LocalDeployment(tmp_path).claimed() for _ in range(1000))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers), any(answers)) == (3000, False)


def test_a_gateway_can_be_claimed_while_somebody_asks_all_the_time(tmp_path: Path) -> None:
    deployment, stop = LocalDeployment(tmp_path), threading.Event()
    deployment.make_folder()

    def ask() -> None:
        while not stop.is_set():
            LocalDeployment(tmp_path).claimed()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        assert deployment.claim()
        assert LocalDeployment(tmp_path).claimed()
        assert not LocalDeployment(tmp_path).claim()
    finally:
        stop.set()
        thread.join()
        deployment.release()


def test_what_a_killed_gateway_reported_is_not_taken_for_the_next_ones_report(tmp_path: Path) -> None:
    killed = LocalDeployment(tmp_path)
    assert killed.claim()
    killed.report(Observed(observed_generation=3, pid=1, version=2))
    killed.release()
    following = LocalDeployment(tmp_path)
    assert following.claim()
    assert LocalDeployment(tmp_path).observed() == Observed()
    following.release()


def test_another_user_may_read_the_state_and_a_writer_that_was_killed_leaves_no_litter(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        deployment = LocalDeployment(tmp_path)
        for number in (1, 2):
            deployment.change(number, number - 1)
            deployment.report(Observed(version=number))
            for name in ("deployment.json", "status.json"):  # as a killed writer leaves them
                (tmp_path / f".new-{name}").write_text("{", encoding="utf-8")
        deployment.change(3, 2)
        deployment.report(Observed(version=3))
    finally:
        os.umask(before)
    assert {path.name for path in tmp_path.iterdir()} == {"deployment.json", "deployment.lock", "status.json", "logs"}
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("deployment.json", "status.json")] == [0o644, 0o644]


def test_a_folder_that_cannot_be_written_is_one_sentence() -> None:
    nowhere = LocalDeployment(Path("/proc/none"))
    for attempt in (nowhere.claim, lambda: nowhere.change(1, 0), lambda: nowhere.report(Observed())):
        with pytest.raises(Unavailable, match=r"/proc/none.* cannot be written: No such file or directory"):
            attempt()
    assert not nowhere.claimed()
