"""What people do to production: approve a parked candidate, go back to an older version, look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ratchet.core.decision import Verdict
from ratchet.core.errors import Misconfigured, NoSuchVersion, PermanentError, StaleComparison, UserError
from ratchet.core.events import Cause, Entry, Moved
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion
from ratchet.ledger.journal import Journal
from ratchet.promotion.aliases import foreign, refusal
from ratchet.promotion.champion import PREVIOUS, legible, proven
from ratchet.promotion.kept import kept
from ratchet.promotion.move import Move, name
from ratchet.promotion.production import Production
from ratchet.promotion.protocol import carry_out
from ratchet.registry.port import Registry
from ratchet.rollout.port import Rollout
from ratchet.rollout.state import PodReport, Progress, State
from ratchet.snapshots.port import SnapshotStore


def approve(production: Production, store: SnapshotStore, version: int, project_hash: str) -> Entry[Moved]:
    """Promote a parked candidate whose comparison is still fresh.

    Raises UserError when the version does not await approval, StaleComparison when champion, project or snapshot have changed.
    """
    waiting = legible(production.journal.trusted()).waiting
    parked = [entry for entry in waiting if entry.event.to == version]
    if not parked:
        others = ", ".join(str(entry.event.to) for entry in waiting) or "none"
        message = f"version {version} does not await approval (waiting: {others})"
        raise UserError(message)
    if parked[-1].event.project_hash != project_hash:
        message = f"stale comparison: ratchet.yaml has changed since version {version} was compared; run again"
        raise StaleComparison(message)
    move = Move.of(parked[-1])
    if move.snapshot not in {snapshot.id for snapshot in store.snapshots()}:
        message = (
            f"stale comparison: snapshot {move.snapshot} has been replaced since version {version} was compared on it; run again"
        )
        raise StaleComparison(message)
    return carry_out(production, replace(move, cause=Cause.APPROVAL))


def approve_without_comparison(production: Production, version: int) -> Entry[Moved]:
    """Promote a candidate that the gate could not compare (UNKNOWN): after a change of features or holdout there is no other way.

    Skips the comparison and says so in the ledger; the rest is the protocol. Raises UserError unless the gate said UNKNOWN last.
    """
    decided = legible(production.journal.trusted(), gates=True).gate_of(version)
    if decided is None or decided.event.verdict is not Verdict.UNKNOWN:
        said = decided.event.verdict if decided else "nothing"
        message = (
            f"the gate said {said} of version {version}, not UNKNOWN: only what could not be compared can go without comparison"
        )
        raise UserError(message)
    gate, number = decided.event, production.champion
    key = f"uncompared:{number}->{version}:{decided.seq}"
    reasons = ["comparison skipped: approved by hand", *gate.decisive]
    move = Move(key, version, number, Cause.APPROVAL, reasons, snapshot=gate.snapshot, digest=gate.candidate_digest)
    return carry_out(production, move)


def rollback(production: Production, to: int | None, reason: str) -> Entry[Moved]:
    """Go back to version `to`, by default the one that served before. Skips the gate and says so; all else is the protocol.

    Raises UserError when there is nothing to go back to, or when it depends on a move that has not ended.
    """
    history, registry = legible(production.journal.trusted()), production.registry
    _require_ended(history)
    champion = production.champion
    if champion is None:
        message = "there is no model in production yet: nothing to roll back"
        raise UserError(message)
    if to is None:
        to = history.previous
        if to is None:
            message = f"version {champion} is the first in production: there is no earlier one to go back to"
            raise UserError(message)
    if to == champion:
        message = f"version {to} is in production already"
        raise UserError(message)
    if history.served(to):
        _require_known(registry, to)
    else:
        registry.version(to)
        message = f"version {to} has never been in production: rollback goes back, `ratchet run` and `ratchet approve` go forward"
        raise UserError(message)
    key = f"rollback:{champion}->{to}:{history.seq}"  # a new one each time: the same way back can be gone more than once
    return carry_out(production, Move(key, to, champion, Cause.ROLLBACK, ["gate skipped: rollback by hand", reason]))


def _require_known(registry: Registry, number: int) -> None:
    """Raise PermanentError where the registry does not know a version that was in production."""
    try:
        registry.version(number)
    except NoSuchVersion as error:
        message = (
            f"version {number} was in production, but the registry does not know it: restore the registry, or bring its files back "
            f"by `ratchet adopt {number}`"
        )
        raise PermanentError(message) from error


def adopt(production: Production, version: int | None, reason: str) -> Entry[Moved]:
    """Bring back a version that was in production, by default the champion, from the copy kept beside the ledger.

    It gets a new number, because a registry gives none twice, and takes production as a rollback does. Raises UserError when it
    never served, when the registry has it with its files, or when there is no copy; ArtifactError when the copy is not what was
    promoted.
    """
    history, registry = legible(production.journal.trusted()), production.registry
    _require_ended(history)
    champion = production.champion
    number = champion if version is None else version
    if number is None or not history.served(number):
        message = f"{name(number)} has never been in production: only what was can be brought back"
        raise UserError(message)
    digest = history.digest_of(number)
    if _is_whole(registry, history, number):
        message = f"the registry has version {number} with the files that were promoted: nothing to bring back"
        raise UserError(message)
    with kept(production, number, digest) as found:
        again = registry.adopt(found, history.newest_version)
    production.say(f"[ADOPT] the files of version {number} are version {again.number} now, with the same digest")
    reasons = [f"gate skipped: the files of version {number}, brought back from the copy beside the ledger", reason]
    key = f"adopt:{number}->{again.number}:{history.seq}"
    return carry_out(production, Move(key, again.number, champion, Cause.ROLLBACK, reasons, digest=again.digest))


def _is_whole(registry: Registry, history: History, number: int) -> bool:
    try:
        registry.bundle(proven(registry, history, number))
    except Misconfigured:
        raise
    except PermanentError:  # not there, or changed
        return False
    return True


def _require_ended(history: History) -> None:
    """Raise UserError while a move has neither ended nor failed."""
    if history.open is not None:
        message = (
            f"a move to version {history.open.event.to} is under way or was interrupted: wait for it, or run `ratchet reconcile`"
        )
        raise UserError(message)


@dataclass(frozen=True, slots=True)
class Status:
    """Who should serve (the ledger), who does (the pods), and whether that agrees.

    `champion` is None also where the registry does not know the version, or has other files of it: `trouble` says so, and what else
    is not as the ledger has it.
    """

    number: int | None
    champion: ModelVersion | None
    previous: ModelVersion | None
    pinned: int | None
    progress: Progress
    pods: list[PodReport]
    waiting: Sequence[Entry[Moved]]
    interrupted: Entry[Moved] | None
    last: Entry[Moved] | None
    trouble: str = ""

    @property
    def agree(self) -> bool:
        """Whether registry, template and pods are at the ledger's version, and serve it."""
        return not self.trouble and not self.unserved and agree(self.number, self.pinned, self.pods)

    @property
    def unserved(self) -> str:
        """Why the version in production is not what every pod serves; empty when it is, or when there is none."""
        if self.number is None:
            return ""
        if not any(pod.ready for pod in self.pods):
            return f"nothing serves: {self.progress.detail}"
        complete = self.progress.state is State.READY or self.progress.leaving
        return "" if complete else f"the rollout is not complete: {self.progress.detail}"


def agree(target: int | None, pinned: int | None, pods: Sequence[PodReport]) -> bool:
    """Whether template and pods are at version `target`."""
    return pinned == target and all(pod.version == target for pod in pods)


def status(registry: Registry, journal: Journal, rollout: Rollout) -> Status:
    """Look at everything and change nothing. Raises LedgerError and Unavailable."""
    history, pinned, pods = legible(journal.history()), rollout.pinned(), rollout.pods()
    last, champion, trouble = history.champion, None, ""
    found = foreign(registry, history)
    if last is not None:
        digest = history.digest_of(last.event.to)
        try:
            champion = proven(registry, history, last.event.to)
        except PermanentError as error:
            trouble = str(error)
        else:
            trouble = refusal(found[0], last) if found is not None else strange(digest, pinned.digest, pods)
    return Status(
        number=last.event.to if last else None,
        champion=champion,
        previous=registry.alias(PREVIOUS),
        pinned=pinned.version,
        progress=rollout.progress(),
        pods=pods,
        waiting=history.waiting,
        interrupted=history.open,
        last=last,
        trouble=journal.broken() or trouble,
    )


def strange(digest: str, pinned: str, pods: Sequence[PodReport]) -> str:
    """A template or a pod that goes by another digest than the one on record; empty where none does."""
    if pinned not in {"", digest}:
        return f"the pod template has digest {pinned[:12]}, the ledger {digest[:12]}"
    others = [pod.name for pod in pods if digest and pod.digest not in {"", digest}]
    return f"{', '.join(others)} serves other files than those on record" if others else ""
