"""Who may decide what serves: the ledger's last promotion, version and digest, and nobody who can write to the registry."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn, cast

import pytest

from ratchet.core.decision import Verdict
from ratchet.core.errors import ArtifactError, PermanentError, PromotionFailed, Unavailable, UserError
from ratchet.core.events import Gated, Moved, Reconciled
from ratchet.core.schema import digest_of
from ratchet.project.file import Project
from ratchet.promotion import by_hand
from ratchet.promotion.champion import champion_of
from ratchet.promotion.production import Production
from ratchet.promotion.protocol import carry_out
from ratchet.promotion.reconcile import reconcile, reconcile_first
from ratchet.rollout.state import PodReport
from serving.model import load
from tests.support.effects import each_kill, kill_before, two_versions
from tests.support.fake_stores import FakeStores
from tests.support.fakes import FakeReports, Killed, provenance


@pytest.fixture
def at() -> FakeStores:
    """Version 1 in production, version 2 registered by somebody and never gated."""
    made = FakeStores()
    made.add_version()
    made.add_version()
    made.keeps = FakeReports()
    made.in_production(1)
    return made


def tamper(at: FakeStores, number: int) -> None:
    """Other files under a version's number, and the digest's tag changed along with them: the registry sees nothing wrong."""
    other = at.add_version()
    folder = at.registry.folder / str(number)
    shutil.rmtree(folder)
    shutil.copytree(at.registry.folder / str(other), folder)
    shutil.rmtree(at.registry.folder / str(other))
    del at.registry.stored[other]
    at.registry.stored[number] = replace(at.registry.stored[number], digest=digest_of(folder))
    at.registry.bundle(at.registry.version(number))


def without_digests(at: FakeStores) -> None:
    """The records as the first releases wrote them, which noted no digest."""
    records = [(record.kind, {**record.body, "digest": ""}, record.key) for record in at.ledger.stored]
    at.ledger.stored.clear()
    for kind, body, key in records:
        at.ledger.append(kind, body, key=key)
    at.rollout.digest = ""


def test_an_alias_that_nobody_promoted_is_refused_by_name_and_set_back(at: FakeStores) -> None:
    at.registry.aliases["production"] = 2  # as whoever can write to MLflow does
    (said,) = reconcile(at.production)
    assert "named version 2, which nobody promoted; the last promotion is of version 1" in said
    assert at.registry.aliases["production"] == 1
    assert at.rollout.serving == 1
    assert [entry.event.refused for entry in at.journal.history().of(Reconciled)] == [True]
    assert at.journal.history().refused_aliases == 1
    assert reconcile(at.production) == []


def test_an_ungated_version_behind_the_alias_never_reaches_a_pod(at: FakeStores) -> None:
    at.registry.aliases["production"] = 2
    at.clock.calls.clear()
    reconcile_first(at.production)
    assert not any(call.startswith("pin") for call in at.clock.calls)
    assert champion_of(at.registry, at.journal) == at.registry.version(1)


def test_status_names_the_alias_that_nobody_promoted_and_shows_what_the_ledger_promoted(at: FakeStores) -> None:
    at.registry.aliases["production"] = 2
    seen = by_hand.status(at.registry, at.journal, at.rollout)
    assert (seen.number, seen.agree) == (1, False)
    assert "named version 2, which nobody promoted" in seen.trouble


def test_an_alias_set_before_the_first_promotion_is_refused_and_nothing_is_rolled_out() -> None:
    at = FakeStores()
    at.add_version()
    at.registry.aliases["production"] = 1
    for act in (
        lambda: reconcile(at.production),
        lambda: champion_of(at.registry, at.journal),
        lambda: by_hand.status(at.registry, at.journal, at.rollout),
        lambda: at.in_production(1),
    ):
        with pytest.raises(PermanentError, match="calls version 1 'production', but the ledger has no promotion"):
            act()
    assert at.rollout.version is None


def test_a_removed_alias_is_set_again(at: FakeStores) -> None:
    at.registry.aliases.clear()
    assert "named no version" in reconcile(at.production)[0]
    assert at.registry.aliases == {"production": 1}


def test_a_promotion_sets_a_foreign_alias_back_before_it_begins(at: FakeStores) -> None:
    at.add_version()
    at.registry.aliases["production"] = 3
    carry_out(at.production, at.move(2, 1))
    assert at.registry.aliases == {"production": 2, "previous": 1}
    assert at.journal.history().refused_aliases == 1
    assert any("named version 3, which nobody promoted" in line for line in at.said)


def off_the_ledger(at: FakeStores) -> FakeStores:
    """The pods were moved behind everybody's back."""
    at.rollout.version = None
    return at


def copies(at: FakeStores) -> FakeReports:
    assert at.keeps is not None
    return at.keeps


ACTS: dict[str, Callable[[FakeStores], object]] = {
    "a reader of the champion": lambda at: champion_of(at.registry, at.journal),
    "reconcile": lambda at: reconcile(at.production),
    "reconcile, with pods that stand elsewhere": lambda at: reconcile(off_the_ledger(at).production),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_files_that_were_changed_with_their_digests_tag_are_refused_by_the_ledgers_digest(
    at: FakeStores, act: Callable[[FakeStores], object]
) -> None:
    tamper(at, 1)
    with pytest.raises(ArtifactError, match=r"version 1 has another digest in the registry .* than in the ledger"):
        act(at)


def test_status_says_that_the_champions_files_were_changed(at: FakeStores) -> None:
    tamper(at, 1)
    seen = by_hand.status(at.registry, at.journal, at.rollout)
    assert not seen.agree
    assert "has another digest in the registry" in seen.trouble


def test_a_candidate_that_was_changed_since_the_gate_saw_it_is_not_promoted(at: FakeStores) -> None:
    gated = at.registry.version(2).digest
    why = ("features changed",)
    at.journal.append(
        Gated(snapshot="s", candidate=2, champion=1, verdict=Verdict.UNKNOWN, reasons=why, decisive=why, candidate_digest=gated)
    )
    tamper(at, 2)
    with pytest.raises(ArtifactError, match="version 2 has another digest"):
        by_hand.approve_without_comparison(at.production, 2)
    assert at.consistent


def test_a_rollback_goes_to_no_version_whose_files_were_changed(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    tamper(at, 1)
    with pytest.raises(ArtifactError, match="version 1 has another digest"):
        by_hand.rollback(at.production, None, "")
    assert (at.registry.aliases["production"], at.rollout.serving) == (2, 2)


def test_a_rollback_leaves_a_champion_whose_files_were_changed(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    tamper(at, 2)
    by_hand.rollback(at.production, None, "tampered")
    assert at.registry.aliases == {"production": 1, "previous": 2}
    assert at.consistent


def test_every_finished_promotion_has_its_digest_on_record_a_rollback_too(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    by_hand.rollback(at.production, None, "")
    done = [entry.event for entry in at.journal.history().done]
    assert [(move.to, move.digest) for move in done] == [(n, at.registry.version(n).digest) for n in (1, 2, 1)]


def test_the_template_carries_version_and_digest_and_an_undone_move_brings_both_back(at: FakeStores) -> None:
    at.rollout.stuck.add(2)
    with pytest.raises(PromotionFailed):
        carry_out(at.production, at.move(2, 1))
    assert (at.rollout.version, at.rollout.digest) == (1, at.registry.version(1).digest)


def test_a_template_by_another_digest_is_brought_back(at: FakeStores) -> None:
    at.rollout.digest = "d" * 64
    assert not by_hand.status(at.registry, at.journal, at.rollout).agree
    assert reconcile(at.production) == ["pods were pinned to version 1 by another digest: they serve version 1 again"]
    assert at.rollout.digest == at.registry.version(1).digest


def test_a_pod_that_serves_other_files_fails_the_promotion(at: FakeStores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at.rollout, "pods", lambda: [PodReport("pod-1", at.rollout.serving, ready=True, digest="e" * 64)])
    with pytest.raises(PromotionFailed, match="pod-1 serves other files of version 2"):
        carry_out(at.production, at.move(2, 1))


def test_an_older_ledger_without_digests_takes_the_registrys_over_once_and_says_so(at: FakeStores) -> None:
    without_digests(at)
    assert champion_of(at.registry, at.journal) == at.registry.version(1)  # read as before, until somebody mends
    said = reconcile(at.production)
    assert said[0].startswith("no record had a digest of version 1: the registry's")
    assert reconcile(at.production) == []
    tamper(at, 1)
    with pytest.raises(ArtifactError):
        reconcile(at.production)


def test_a_rollback_in_an_older_ledger_says_that_the_registry_was_believed(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    without_digests(at)
    by_hand.rollback(at.production, None, "")
    assert any(line.startswith("[LEDGER] no record has a digest of version 1") for line in at.said)
    assert at.journal.history().digest_of(1) == at.registry.version(1).digest


def test_a_champion_that_the_registry_lost_names_the_commands_that_help(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    del at.registry.stored[2]
    at.registry.aliases.clear()
    for act in (lambda: champion_of(at.registry, at.journal), lambda: reconcile(at.production)):
        with pytest.raises(PermanentError, match=r"version 2 is in production, but the registry does not know it: .*ratchet adopt"):
            act()


def test_rollback_leaves_a_champion_that_was_deleted_in_the_registry(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    del at.registry.stored[2]
    at.registry.aliases.clear()
    moved = by_hand.rollback(at.production, 1, "version 2 was deleted")
    assert isinstance(moved.event, Moved)
    assert at.registry.aliases == {"production": 1}
    assert at.consistent


def test_adopt_brings_a_champion_back_that_the_registry_lost_and_it_serves_by_the_same_digest(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    digest = at.registry.version(2).digest
    at.registry.stored.clear()  # a new, empty registry
    at.registry.aliases.clear()
    moved = by_hand.adopt(at.production, None, "the registry was lost").event
    assert (moved.to, moved.before, moved.digest) == (3, 2, digest)  # no number of the ledger is given twice
    assert at.registry.version(3).provenance == provenance()
    assert at.registry.aliases == {"production": 3}
    assert at.consistent
    assert champion_of(at.registry, at.journal) == at.registry.version(3)


def lost_champion() -> FakeStores:
    """Version 2 is in production, and the registry has lost it with its alias."""
    made = two_versions()
    carry_out(made.production, made.move(2, 1))
    del made.registry.stored[2]
    made.registry.aliases.clear()
    return made


WAYS: dict[str, Callable[[Production, FakeStores], object]] = {
    "rollback": lambda production, _: by_hand.rollback(production, 1, "version 2 was deleted"),
    "adopt": lambda production, _: by_hand.adopt(production, None, "the registry was lost"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_way_back_from_a_lost_champion_that_was_killed_is_finished_by_reconcile(
    way: Callable[[Production, FakeStores], object],
) -> None:
    began = 0
    for at in each_kill(lost_champion, way):
        moved = at.journal.history().open is not None
        began += moved
        if moved:
            reconcile(at.production)
        elif at.journal.history().champion is not None and at.production.champion == 2:
            way(at.production, at)  # it had not begun: the same command again
        assert at.consistent
        assert at.production.champion != 2
        assert reconcile(at.production) == []
    assert began >= 4


def test_a_way_back_that_cannot_be_finished_leaves_the_way_to_another() -> None:
    at = lost_champion()
    with pytest.raises(Killed):
        by_hand.rollback(kill_before(at.production, "pin: pin"), 1, "")
    at.lock.held = False
    at.rollout.wrong_golden.add(1)
    with pytest.raises(PermanentError, match="version 2 is in production, but the registry does not know it"):
        reconcile(at.production)
    assert any("the interrupted move to version 1 could not be finished" in line for line in at.said)
    assert at.journal.history().open is None
    assert by_hand.adopt(at.production, None, "").event.to == 3
    assert at.consistent


def test_adopt_takes_the_place_of_files_that_were_changed(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    tamper(at, 2)
    assert by_hand.adopt(at.production, None, "").event.to == 3
    assert at.consistent


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        ({}, "the registry has version 2 with the files that were promoted"),
        ({"lost": True, "digest": "f" * 64}, ""),
        ({"lost": True, "files": "AAAA"}, "the copy of version 2 beside the ledger is damaged"),
        ({"lost": True, "version": 10}, "no copy of version 2 is kept beside the ledger; kept under its name is version 10"),
    ],
    ids=["nothing lost", "what the copy says of itself does not count", "damaged", "another's"],
)
def test_adopt_without_need_or_without_a_good_copy_is_one_sentence(at: FakeStores, harm: dict[str, object], sentence: str) -> None:
    carry_out(at.production, at.move(2, 1))
    if harm.get("lost"):
        del at.registry.stored[2]
        at.registry.aliases.clear()  # as MLflow does with a version's aliases
    name = next(name for name in copies(at).saved if name == "kept_version_2.json")
    copies(at).saved[name] = json.dumps({**json.loads(copies(at).saved[name]), **harm})
    if not sentence:
        assert by_hand.adopt(at.production, None, "").event.to == 3
        return
    with pytest.raises((UserError, ArtifactError), match=sentence):
        by_hand.adopt(at.production, None, "")


def test_a_copy_that_was_changed_is_refused_by_the_ledgers_digest(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    other = json.loads(copies(at).saved["kept_version_1.json"])
    copies(at).saved["kept_version_2.json"] = json.dumps({**other, "version": 2})
    del at.registry.stored[2]
    with pytest.raises(ArtifactError, match=r"beside the ledger has digest .* it was changed"):
        by_hand.adopt(at.production, None, "")


def test_the_copies_are_bounded_and_one_that_cannot_be_kept_stops_nobody(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    for _ in range(10):
        by_hand.rollback(at.production, None, "")
    assert sorted(copies(at).saved) == ["kept_version_1.json", "kept_version_2.json"]
    copies(at).down = Unavailable("the store of reports cannot be reached")
    by_hand.rollback(at.production, None, "")
    assert at.said[-1] == "[PROMOTE] no copy of version 1 could be kept beside the ledger: the store of reports cannot be reached"
    assert at.consistent


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError("tar broke"), MemoryError()], ids=repr)
def test_whatever_hinders_the_copy_the_promotion_is_done_and_its_cause_is_said(
    at: FakeStores, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> NoReturn:
        raise error

    monkeypatch.setattr("ratchet.promotion.kept.tarfile.open", lambda **_: broken(None))
    assert carry_out(at.production, at.move(2, 1)).event.state == "done"
    assert at.said[-1].startswith("[PROMOTE] no copy of version 2 could be kept beside the ledger: ")
    assert not at.said[-1].endswith(": ")
    assert at.consistent


def test_files_that_no_copy_could_hold_are_not_packed_at_all(at: FakeStores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ratchet.promotion.kept._MOST_BYTES", 1000)
    monkeypatch.setattr("ratchet.promotion.kept.tarfile.open", lambda **_: pytest.fail("packed"))
    carry_out(at.production, at.move(2, 1))
    assert at.said[-1].startswith("[PROMOTE] version 2 is too large for a copy beside the ledger: ")
    assert "kept_version_2.json" not in copies(at).saved


def test_a_serving_process_refuses_files_that_do_not_have_the_digest_it_was_told(at: FakeStores) -> None:
    told = at.registry.version(1).digest
    tamper(at, 1)
    with pytest.raises(ArtifactError, match=r"version 1 has another digest in the registry .* than in the ledger"):
        load(at.registry, cast("Project", None), 1, told)
