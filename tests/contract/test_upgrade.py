"""A ledger and a request log that release 0.1 has filled are upgraded in place, and everything in them is found again."""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from ratchet.clients.migrations import bring_up_to_date
from ratchet.core.errors import LedgerError, Unavailable, UserError
from ratchet.core.record import GENESIS, Record
from ratchet.core.schema import LoggedAnswer
from ratchet.ledger.claim import belong
from ratchet.ledger.sql import SqlLedger, models_in
from ratchet.requests import tables
from ratchet.requests.sql import SqlRequestLog
from tests.support.addresses import POSTGRES, fresh_database, only
from tests.support.release_0_1 import DATA, DIGEST, HEAD, MODEL, PROJECT_HASH, PROMOTED, fill

ANSWER = LoggedAnswer("new", "U0000001", 3, 0.5, "f", 1e10)


@pytest.fixture(params=["sqlite", *only(POSTGRES, "postgres")])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that release 0.1 has filled; `log_of` has its request log."""
    if request.param == "sqlite":
        old = f"sqlite:///{tmp_path / 'ledger.db'}"
        fill(old, "ledger")
        fill(log_of(old), "requests")
        yield old
        return
    with fresh_database() as fresh:
        fill(fresh, "ledger", "requests")
        yield fresh


def log_of(url: str) -> str:
    """SQLite has a file for each, PostgreSQL one database for both."""
    return url.replace("/ledger.db", "/requests.db")


def ledger(url: str, model: str, digests: dict[int, str] | None = None) -> SqlLedger:
    return SqlLedger(url, "tester", model, lambda records: belong(records, "another project", (digests or {}).get))


def run(url: str, statement: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(statement))


def stored(kind: str) -> int:
    """How many rows of a table the file of data has."""
    lines = "".join(path.read_text(encoding="utf-8") for path in DATA.glob("*.sql"))
    return len(re.findall(rf"^INSERT INTO {kind} ", lines, re.MULTILINE))


def test_every_record_is_found_again_and_the_chain_goes_on(url: str) -> None:
    mine = ledger(url, MODEL, {PROMOTED: DIGEST})
    assert mine.verify() == HEAD == stored("ledger")
    before = mine.records()
    promotions = [(record.body["state"], record.body["to"]) for record in mine.records("promotion")]
    assert promotions == [(state, to) for to in (1, 2, 1) for state in ("intent", "done")]
    assert [record.seq for record in mine.records(key="rollback:2->1:4")] == [18, 19]
    following = mine.append("ingest", {"model": MODEL})
    assert (following.seq, following.previous) == (HEAD + 1, before[-1].hash)
    again = ledger(url, MODEL)  # the claim is on record, nobody is asked again
    assert again.verify() == HEAD + 1
    assert again.records()[:-1] == before
    assert models_in(url) == [MODEL]


def test_another_model_starts_a_chain_of_its_own_whoever_comes_first(url: str) -> None:
    other = ledger(url, "upsell", {PROMOTED: "another bundle"})
    assert other.records() == []
    first = other.append("ingest", {"model": "upsell"})
    assert (first.seq, first.previous, other.verify()) == (1, GENESIS, 1)
    mine = ledger(url, MODEL, {PROMOTED: DIGEST})
    assert mine.verify() == HEAD
    mine.append("ingest", {})
    assert (mine.verify(), other.verify()) == (HEAD + 1, 1)
    assert ledger(url, "third", {PROMOTED: DIGEST}).records() == [], "what is claimed stays so"
    assert models_in(url) == [MODEL, "upsell"]


def test_a_model_with_a_chain_of_its_own_takes_over_no_other(url: str) -> None:
    other = ledger(url, "upsell")
    other.append("ingest", {})
    assert ledger(url, "upsell", {PROMOTED: DIGEST}).verify() == 1


def test_a_registry_that_does_not_answer_is_no_reason_to_guess(url: str) -> None:
    def down(_records: object) -> bool:
        raise Unavailable("the model registry cannot be reached")

    waiting = SqlLedger(url, "tester", MODEL, down)
    for act in (waiting.records, waiting.owns_unnamed, lambda: waiting.append("ingest", {})):
        with pytest.raises(Unavailable, match="registry"):
            act()
    assert ledger(url, MODEL, {PROMOTED: DIGEST}).verify() == HEAD


def test_records_belong_by_project_or_by_the_digest_of_the_last_comparison(url: str) -> None:
    records = ledger(url, MODEL, {PROMOTED: DIGEST}).records()

    def never(_version: int) -> str | None:
        raise AssertionError

    def without(name: str) -> list[Record]:
        fields = [(record, {key: value for key, value in record.body.items() if key != name}) for record in records]
        return [Record(r.seq, r.at, r.kind, r.key, r.actor, body, r.previous, r.hash) for r, body in fields]

    assert belong(records, PROJECT_HASH, never)
    assert belong(records[:2], "x", never), "nothing was promoted"
    assert belong(records, "x", lambda version: DIGEST if version == PROMOTED else None)
    assert not belong(records, "x", lambda _: "another")
    assert not belong(records, "x", lambda _: None)
    assert belong(without("digest"), "x", lambda _: "whatever")
    assert not belong(without("digest"), "x", lambda _: None)


def test_a_body_that_names_another_model_than_its_chain_is_reported(url: str) -> None:
    other = ledger(url, "upsell")
    other.append("ingest", {"model": MODEL})
    with pytest.raises(LedgerError, match=f"ledger record 1 .* is about model {MODEL} and stands in the chain of upsell"):
        other.verify()


@pytest.mark.parametrize("statement", ["UPDATE ledger SET model = 'x'", "DELETE FROM ledger"])
def test_the_upgraded_database_is_still_append_only(url: str, statement: str) -> None:
    ledger(url, MODEL, {PROMOTED: DIGEST}).verify()
    with pytest.raises(Exception, match="append-only"):
        run(url, statement)


def test_a_process_of_release_0_1_can_append_no_more(url: str) -> None:
    ledger(url, MODEL, {PROMOTED: DIGEST}).verify()
    columns = "seq, at, kind, key, actor, body, previous, hash"
    with pytest.raises(IntegrityError):
        run(url, f"INSERT INTO ledger ({columns}) VALUES (20, 'now', 'k', '', 'a', '{{}}', 'p', 'h')")  # noqa: S608 - literals


def test_every_answer_label_and_count_is_found_again(url: str) -> None:
    log = SqlRequestLog(log_of(url), MODEL)
    assert sum(len(found.labels) for found in log.labelled().values()) == stored("answer_labels")
    assert log.count_before(1e11) == stored("answers")
    assert sum(log.volume(60).total(version) for version in (1, 2)) == stored("answers")
    log.append([ANSWER])
    about = {"entity": np.array(["U0000001"], dtype=object), "label": np.array([1], dtype=object)}
    assert log.join(about).joined == 2, "the latest answer of version 1, which release 0.1 stored, and the one of version 3"
    assert log.delete_before(1e11) == stored("answers") + 1
    assert log.labelled() == {}
    assert sum(log.volume(60).total(version) for version in (1, 2, 3)) == stored("answers") + 1, "deleted ones count too"


def test_another_models_request_log_is_empty_and_leaves_the_first_alone(url: str) -> None:
    other = SqlRequestLog(log_of(url), "upsell", lambda: False)
    other.append([ANSWER])
    about = {"entity": np.array(["U0000001"], dtype=object), "label": np.array([0], dtype=object)}
    assert other.join(about).joined == 1
    assert list(other.labelled()) == list(other.volume(60).counts) == [3]
    SqlRequestLog(log_of(url), MODEL).append([ANSWER])
    assert other.delete_before(1e11) == 1
    log = SqlRequestLog(log_of(url), MODEL)
    assert log.count_before(1e11) == stored("answers") + 1
    assert sum(len(found.labels) for found in log.labelled().values()) == stored("answer_labels")


def test_pods_of_release_0_1_go_on_logging_while_they_are_replaced(url: str) -> None:
    log = SqlRequestLog(log_of(url), MODEL)
    log.append([ANSWER])
    columns = "prediction_id, entity, version, probability, features_hash, answered_at"
    run(log_of(url), f"INSERT INTO answers ({columns}) VALUES ('old', 'u', 1, 0.5, 'f', 60.0) ON CONFLICT DO NOTHING")  # noqa: S608
    run(
        log_of(url),
        "INSERT INTO answer_counts VALUES (1, 1, 1) ON CONFLICT (version, minute) DO UPDATE SET answers = answer_counts.answers",
    )
    assert SqlRequestLog(log_of(url), MODEL).count_before(61.0) == 1
    log.join({"prediction_id": np.array(["old"], dtype=object), "label": np.array([1], dtype=object)})
    assert 0.5 in log.labelled(1)[1].scores


def test_every_score_is_that_which_release_0_1_stored(url: str) -> None:
    found = SqlRequestLog(log_of(url), MODEL).labelled()
    lines = (DATA / "requests.sql").read_text(encoding="utf-8")
    stored_scores = dict(re.findall(r"INSERT INTO answers VALUES \('(\w+)', '\w+', \d+, ([\d.e-]+),", lines))
    labelled = re.findall(r"INSERT INTO answer_labels VALUES \('(\w+)',", lines)
    scores = np.concatenate([answers.scores for answers in found.values()])
    assert sorted(scores.tolist()) == sorted(float(stored_scores[key]) for key in labelled)


def test_a_log_whose_answers_had_a_model_and_no_score_yet_is_upgraded(url: str) -> None:
    """As between two releases: by model already, before a probability was a score."""
    at = log_of(url)
    known = replace(tables.TABLES, revisions=("0001", "0002"))
    engine = create_engine(at, poolclass=NullPool)
    bring_up_to_date(engine, known)
    columns = "model, prediction_id, entity, version, probability, features_hash, answered_at"
    run(at, f"INSERT INTO answers ({columns}) VALUES ('upsell', 'mine', 'u', 7, 0.25, 'f', 60.0)")  # noqa: S608 - literals
    run(at, "INSERT INTO answer_labels (model, prediction_id, label, by_entity) VALUES ('upsell', 'mine', 1, false)")
    assert SqlRequestLog(at, "upsell", lambda: False).labelled()[7].scores.tolist() == [0.25]
    assert sum(len(found.labels) for found in SqlRequestLog(at, MODEL).labelled().values()) == stored("answer_labels")


def test_an_answer_without_a_score_is_refused(url: str) -> None:
    SqlRequestLog(log_of(url), MODEL).append([ANSWER])
    columns = "model, prediction_id, entity, version, features_hash, answered_at"
    with pytest.raises(IntegrityError):
        run(log_of(url), f"INSERT INTO answers ({columns}) VALUES ('m', 'x', 'u', 1, 'f', 60.0)")  # noqa: S608 - literals


def _open(url: str) -> int:
    mine = ledger(url, MODEL, {PROMOTED: DIGEST})
    mine.append("k", {})
    SqlRequestLog(log_of(url), MODEL).append([replace(ANSWER, prediction_id=uuid4().hex)])
    return mine.verify()


def test_processes_that_upgrade_at_once_do_not_collide(url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert max(pool.map(_open, [url] * 3, chunksize=1)) == HEAD + 3
    assert ledger(url, MODEL).verify() == HEAD + 3
    assert SqlRequestLog(log_of(url), MODEL).count_before(1e11) == stored("answers") + 3


@pytest.mark.parametrize("filled", [True, False])
def test_stores_that_threads_of_one_process_upgrade_at_once_do_not_collide(tmp_path: Path, *, filled: bool) -> None:
    for turn in range(5):
        at = f"sqlite:///{tmp_path / str(turn) / 'ledger.db'}"
        (tmp_path / str(turn)).mkdir()
        if filled:
            fill(at, "ledger")
            fill(log_of(at), "requests")
        begin = threading.Barrier(2)

        def first_of(act: Callable[[], object], begin: threading.Barrier = begin) -> object:
            begin.wait()
            return act()

        with ThreadPoolExecutor() as pool:
            mine, log = ledger(at, MODEL, {PROMOTED: DIGEST}), SqlRequestLog(log_of(at), MODEL)
            records = pool.submit(first_of, mine.records)
            answers = pool.submit(first_of, partial(log.count_before, 1e11))
            assert len(records.result()) == (HEAD if filled else 0)  # type: ignore[arg-type]
            assert answers.result() == (stored("answers") if filled else 0)
        assert ledger(at, MODEL, {PROMOTED: DIGEST}).verify() == (HEAD if filled else 0)


def test_tables_of_a_newer_release_are_refused_in_one_sentence(url: str) -> None:
    ledger(url, MODEL, {PROMOTED: DIGEST}).verify()
    SqlRequestLog(log_of(url), MODEL).append([ANSWER])
    run(url, "UPDATE ledger_revision SET version_num = '0999'")
    run(log_of(url), "UPDATE requests_revision SET version_num = '0999'")
    for act, own in (
        (ledger(url, MODEL).records, "0002"),
        (lambda: SqlRequestLog(log_of(url), MODEL).append([ANSWER]), "0004"),
    ):
        with pytest.raises(UserError, match=rf"was changed by a newer release \(its tables are at revision 0999, .* {own}\)"):
            act()


ADDS = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005_for_0003", "0004"


def upgrade():
    op.add_column("answers", sa.Column("later", sa.Text, nullable=True))
"""


def test_tables_that_a_newer_release_has_only_added_to_are_used_as_they_are(url: str, tmp_path: Path) -> None:
    log = SqlRequestLog(log_of(url), MODEL)
    log.append([ANSWER])
    shutil.copytree(tables.TABLES.folder, tmp_path / "newer")
    (tmp_path / "newer" / "versions" / "r0005_later.py").write_text(ADDS)
    newer = replace(tables.TABLES, folder=tmp_path / "newer", revisions=(*tables.TABLES.revisions, "0005_for_0003"))
    engine = create_engine(log_of(url), poolclass=NullPool)
    for _ in range(2):  # made, and there already
        bring_up_to_date(engine, newer)
    for at, one in enumerate((log, SqlRequestLog(log_of(url), MODEL)), start=2):  # a pod that runs, and one that starts
        one.append([replace(ANSWER, prediction_id=f"of an older pod {at}")])
        assert one.count_before(1e11) == stored("answers") + at
    SqlRequestLog(log_of(url), MODEL).migrate()
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT version_num FROM requests_revision")) == "0005_for_0003"


@pytest.mark.parametrize("revision", ["0006_for_0005", "0006_for_", "0006_0003", "0006_for_0003_for_0005"])
def test_tables_that_a_newer_release_has_changed_for_those_after_this_one_are_refused(url: str, revision: str) -> None:
    SqlRequestLog(log_of(url), MODEL).append([ANSWER])
    run(log_of(url), f"UPDATE requests_revision SET version_num = '{revision}'")  # noqa: S608 - of this test
    with pytest.raises(UserError, match="was changed by a newer release"):
        SqlRequestLog(log_of(url), MODEL).append([ANSWER])


def test_alembic_is_imported_only_where_tables_have_to_change(url: str) -> None:
    program = (
        "import json, sys\n"
        "from ratchet.ledger.sql import SqlLedger\nfrom ratchet.requests.sql import SqlRequestLog\n"
        f"SqlLedger({url!r}, 'a', 'm').records(); SqlRequestLog({log_of(url)!r}, 'm').count_before(1.0)\n"
        "print(json.dumps('alembic' in sys.modules))"
    )
    answers = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert [json.loads(answer) for answer in answers] == [True, False]
