"""Two models with columns of their own in one home: one ledger, one request log, one MLflow, and nothing of one in the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from ratchet.core.decision import Verdict
from ratchet.steps import promote
from tests.integration.test_cli import candidate, generate, judged
from tests.support.club import MEMBERS, Club, Ran
from tests.support.rollout_harness import until

pytestmark = pytest.mark.timeout(600)  # its runs start a dozen processes each
GYM = """\
model: gym_churn
entity: member
snapshots: {month_000: 2024-01-31, month_001: 2024-02-29, month_002: 2024-03-31}
tables: [people, usage, outcome]
label: {column: gone, table: outcome}
features:
  - {name: months, table: people, dtype: int, range: [0, 600]}
  - {name: hours, table: usage, dtype: float, range: [0, 744]}
holdout: {salt: gym, share: 0.25}
training: {folds: 2, logistic_regression: {C: [1.0]}, hist_gradient_boosting: null}
serving: {golden_rows: 5}
"""


@dataclass(frozen=True)
class Pair:
    club: Club
    gym: Club

    def both(self, *arguments: str) -> list[Ran]:
        """A command for each model, at one time."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda club: club.process(*arguments), (self.club, self.gym)))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Both have version 1 in production after their first runs, which were at one time; the club has then promoted version 2."""
    root = tmp_path_factory.mktemp("two")
    made = Pair(Club(root), Club(root, text=GYM, file="gym.yaml"))
    generate(made.club)
    for ran in made.both("run", "--data", str(made.club.raw), "--snapshot", "month_000", "--json"):
        assert ran.code == 0, ran.err
    assert made.club.ratchet("data", "ingest", str(made.club.raw), "month_002").code == 0
    wiring = made.club.wiring
    version = candidate(wiring, "month_002")
    assert judged(wiring, "month_002", version) is Verdict.PASS
    promote.run(wiring.project, wiring.quiet_production, version.number)
    return made


def asked(club: Club) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{club.port}/predict", json={"member": MEMBERS[0]}, timeout=10, trust_env=False)


def versions(club: Club) -> tuple[int | None, int | None, bool]:
    """In production, before it, and whether that is pinned; nothing serves here, and then nobody says that all agree."""
    status = club.ratchet("status", "--json").document
    assert not status["agree"]
    previous, production = status["previous"] and status["previous"]["version"], status["production"]["version"]
    return production, previous, status["pinned"] == production


def test_each_model_has_a_history_a_status_and_snapshots_of_its_own(pair: Pair) -> None:
    assert (versions(pair.club), versions(pair.gym)) == ((2, 1, True), (1, None, True))
    for club, months in ((pair.club, 2), (pair.gym, 1)):
        history = club.ratchet("history", "--json").document
        assert history["verified"] == len(history["records"])
        assert [record["seq"] for record in history["records"]] == list(range(1, history["verified"] + 1))
        kinds = [record["kind"] for record in history["records"]]
        assert (kinds.count("ingest"), kinds.count("promotion"), kinds.count("run")) == (months, 2 * months, 1)
        assert len(club.wiring.store.snapshots()) == months
        assert {path.name for path in club.folder.iterdir()} >= {"snapshots", "feast", "reports", "serving", "runs"}
        assert len(club.ratchet("runs", "--json").document) == 1
    databases = {"mlflow.db", "ledger.db", "ledger.key", "requests.db", "artifacts"}
    assert {path.name for path in pair.club.home.iterdir()} <= {"models", *databases}


def test_status_without_a_project_lists_both(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    club, gym = pair.club.ratchet("status", "--json", RATCHET_PROJECT="").document
    assert (club["model"], club["production"], club["pinned"], club["agree"]) == ("club_churn", 2, 2, False)
    assert (gym["model"], gym["production"], gym["pinned"], gym["agree"]) == ("gym_churn", 1, 1, False)
    assert "gym_churn" in pair.club.ratchet("status", RATCHET_PROJECT="").out
    empty = str(tmp_path / "nothing")
    assert "there is no project file at" in pair.club.ratchet("status", RATCHET_PROJECT="", RATCHET_HOME=empty).error
    assert not Path(empty).exists()


def test_a_rollback_of_the_one_leaves_the_other_where_it_is(pair: Pair) -> None:
    before = pair.gym.ratchet("history", "--json").document
    assert "there is no earlier one to go back to" in pair.gym.ratchet("rollback").error
    assert pair.club.ratchet("rollback", "--json").document["body"]["to"] == 1
    assert versions(pair.club) == (1, 2, True)
    assert pair.club.ratchet("rollback", "--json").document["body"]["to"] == 2
    assert pair.gym.ratchet("history", "--json").document == before
    assert versions(pair.gym) == (1, None, True)


def test_a_second_gateway_on_the_same_port_is_one_sentence_and_both_serve_on_two(pair: Pair) -> None:
    with pair.club.serving():
        pair.club.wait_for_server()
        refused = pair.gym.process("serve", RATCHET_PORT=str(pair.club.port))
        assert refused.code != 0
        assert f"port {pair.club.port} on 127.0.0.1 is taken by another program" in refused.err
        with pair.gym.serving():
            pair.gym.wait_for_server()
            answers = [until(partial(asked, club), lambda answer: answer.status_code == 200) for club in (pair.club, pair.gym)]
    assert [answer.json()["model_version"] for answer in answers] == [2, 1]
    for club, version in ((pair.club, 2), (pair.gym, 1)):
        assert list(club.wiring.requests.volume(10).counts)[-1] == version
    assert sorted(pair.gym.wiring.requests.volume(10).counts) == [1]
