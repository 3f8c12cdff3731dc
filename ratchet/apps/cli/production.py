"""`ratchet status`, `history`, `approve`, `rollback` and `reconcile`: what production is, and what people do to it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from ratchet.apps.cli import figures
from ratchet.apps.cli.console import AsJson, document, facts, line, table, waiting
from ratchet.apps.cli.models import show_all
from ratchet.apps.wording import summary
from ratchet.core.errors import LedgerError
from ratchet.core.events import Entry, Measured, Moved, entry_of
from ratchet.core.record import Record, verify
from ratchet.core.schema import ModelVersion
from ratchet.ledger.journal import Journal
from ratchet.promotion import by_hand
from ratchet.promotion.reconcile import reconcile as mend
from ratchet.rollout.state import PodReport
from ratchet.steps.parts.standing import standing
from ratchet.tasks.catalogue import task_of
from ratchet.wiring import Wiring

_Kind = Literal["ingest", "measure", "trigger", "gate", "promotion", "reconcile", "live", "run", "watch", "prune"]
_LAST = 2**31 - 1  # the registries' column of version numbers


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog="Example: ratchet status --json | jq .production.version")(status)
    app.command(epilog="Examples: ratchet history; ratchet history --kind promotion --json")(history)
    app.command(epilog="Examples: ratchet approve 3; ratchet approve 4 --without-comparison")(approve)
    app.command(epilog="Examples: ratchet rollback; ratchet rollback --to 2 --reason 'wrong labels in May'")(rollback)
    app.command(epilog="Examples: ratchet adopt; ratchet adopt 3 --reason 'the registry was lost'")(adopt)
    app.command(epilog="Example: ratchet anchor")(anchor)
    app.command(epilog="Example: ratchet reconcile")(reconcile)


def _version(version: ModelVersion | None, measured: Measured | None) -> dict[str, Any] | None:
    if version is None:
        return None
    trained = version.provenance.snapshot_ids if version.provenance else ()
    return {
        "version": version.number,
        "created_at": version.created_at.isoformat(),
        "trained_on": trained,
        "metrics": dict(version.metrics),
        "measured": figures.measured(measured),
    }


def _production(seen: by_hand.Status, measured: Measured | None) -> dict[str, Any] | None:
    """By the ledger's word also where the registry has lost the version, or has other files of it."""
    return _version(seen.champion, measured) or ({"version": seen.number} if seen.number else None)


def status(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Who is in production, who serves, and whether that agrees; without a project file, of all models of the home."""
    if show_all(as_json=as_json):
        return
    wiring = Wiring.load()
    with waiting("asking registry, ledger and servers"):
        seen = by_hand.status(wiring.registry, wiring.journal, wiring.rollout)
        champion, previous = seen.number, seen.previous.number if seen.previous else None
        how = standing(wiring.project, wiring.journal.history(), champion, previous, seen.champion)
    content = {
        "production": _production(seen, how.champion),
        "previous": _version(seen.previous, how.previous),
        "pinned": seen.pinned,
        "agree": seen.agree,
        "trouble": seen.trouble,
        "rollout": {"state": seen.progress.state.value, "detail": seen.progress.detail},
        "pods": [{"name": pod.name, "version": pod.version, "ready": pod.ready, "detail": pod.detail} for pod in seen.pods],
        "awaiting_approval": [entry.event.to for entry in seen.waiting],
        "interrupted": _stored(wiring.journal, seen.interrupted) if seen.interrupted else None,
        "last_promotion": _stored(wiring.journal, seen.last) if seen.last else None,
        "address": wiring.settings.url,
        **figures.as_json(how),
    }
    if as_json:
        document(content)
        return
    metric = task_of(wiring.project).metric
    trained = seen.champion.provenance if seen.champion else None
    last = seen.last.event if seen.last else None
    pods = ", ".join(_pod(pod) for pod in seen.pods)
    facts(
        wiring.project.model,
        {
            "production": f"version {champion}" if champion else "no model yet: ratchet run",
            "trained on": ", ".join(trained.snapshot_ids) if trained else None,
            **figures.champion_row(how, metric),
            "since": f"{seen.last.at:%Y-%m-%d %H:%M} UTC, by {seen.last.actor} ({last.cause})" if seen.last and last else None,
            "why": "; ".join(last.reasons) if last else None,
            **figures.rows(how, metric, seen.previous),
            "serving": pods or f"nothing runs (ratchet serve starts it); pinned: {seen.pinned or 'none'}",
            "agree": _agreement(seen),
            "awaiting approval": ", ".join(f"version {entry.event.to}" for entry in seen.waiting),
            "interrupted": f"a move to version {seen.interrupted.event.to}: ratchet reconcile" if seen.interrupted else None,
        },
    )


def _agreement(seen: by_hand.Status) -> str:
    """Whether what serves is what should: in words that say what mends it where it is not."""
    if seen.agree:
        return "yes"
    served = seen.unserved if seen.pinned == seen.number else ""
    return f"NO: {seen.trouble or served or 'alias and pods differ, ratchet reconcile mends it'}"


def _pod(pod: PodReport) -> str:
    """One pod in a few words: it has no version when it has loaded none yet, or does not answer."""
    if pod.version is None:
        return f"{pod.name}: {pod.detail or 'no model yet'}"
    return f"{pod.name}: version {pod.version} {'ready' if pod.ready else 'not ready'}"


def _row(record: Record) -> dict[str, Any]:
    return {
        "seq": record.seq,
        "at": record.at.isoformat(),
        "kind": record.kind,
        "actor": record.actor,
        "body": dict(record.body),
        "hash": record.hash,
    }


def _stored(journal: Journal, entry: Entry[Moved]) -> dict[str, Any]:
    """The entry's record as the ledger keeps it, in whatever form."""
    record = journal.record(entry.seq)
    if record is None:
        message = f"ledger record {entry.seq} was there a moment ago: restore the ledger from a backup"
        raise LedgerError(message)
    return _row(record)


def history(
    kind: Annotated[_Kind | None, typer.Option(help="Only records of this kind.")] = None,
    last: Annotated[int, typer.Option(min=1, help="The newest N records.")] = 50,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """The ledger: every decision with its reasons. Verifies the chain first; a broken seal is said at the end, after a look."""
    wiring = Wiring.load()
    every = wiring.ledger.records()
    count = verify(every)
    records = [record for record in every if kind in {None, record.kind}][-last:]

    def later(seq: int) -> list[Record]:
        """Read once the published head is known: somebody may have appended since `every` was read."""
        return wiring.ledger.records(after=seq)

    if as_json:
        document({"verified": count, "records": [_row(record) for record in records]})
        wiring.seal.check(later)
        return
    rows = [
        (record.seq, f"{record.at:%Y-%m-%d %H:%M:%S}", record.actor, record.kind, *summary(entry_of(record).event))
        for record in records
    ]
    table("ledger (times in UTC)", ["#", "at", "by", "kind", "outcome", "why"], rows)
    wiring.seal.check(later)
    head = f", head {every[-1].hash[:16]}" if count else ""
    line(f"chain verified: {count} records{head}")


def approve(
    version: Annotated[int, typer.Argument(help="The version that awaits approval (ratchet status names it).", min=1, max=_LAST)],
    without_comparison: Annotated[bool, typer.Option(help="Promote what the gate could not compare (UNKNOWN).")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Promote a candidate that passed the gate and waits (policy.approval: manual)."""
    wiring = Wiring.load()
    with waiting(f"promoting version {version}"):
        ports = wiring.quiet_production if as_json else wiring.production
        if without_comparison:
            entry = by_hand.approve_without_comparison(ports, version)
        else:
            entry = by_hand.approve(ports, wiring.store, version, wiring.project.hash)
    _end(wiring, entry, f"version {version} is in production, approved by {entry.actor}", as_json=as_json)


def rollback(
    to: Annotated[
        int | None, typer.Option(help="Version to go back to; default: the one that served before.", min=1, max=_LAST)
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")] = "no reason given",
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Bring an older version back: alias and pods together, without losing a request. Undo it by another rollback."""
    wiring = Wiring.load()
    with waiting("rolling back"):
        entry = by_hand.rollback(wiring.quiet_production if as_json else wiring.production, to, reason)
    move = entry.event
    _end(
        wiring,
        entry,
        f"version {move.to} is in production again, version {move.before} is not (gate skipped: rollback)",
        as_json=as_json,
    )


def adopt(
    version: Annotated[
        int | None, typer.Argument(help="The version whose files to bring back; default: the one in production.", min=1, max=_LAST)
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")] = "no reason given",
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Bring back what the registry lost, from the copy kept beside the ledger: as a new version, which takes production."""
    wiring = Wiring.load()
    with waiting("bringing the files back"):
        entry = by_hand.adopt(wiring.quiet_production if as_json else wiring.production, version, reason)
    _end(wiring, entry, f"version {entry.event.to} is in production, with the files brought back (gate skipped)", as_json=as_json)


def anchor() -> None:
    """Take the ledger as it stands: sign its head and publish it. Look at `ratchet history` before."""
    wiring = Wiring.load()
    head = wiring.journal.anchor()
    name = f"the head, record {head.seq} ({head.hash[:16]})"
    line(f"{name}, is anchored, {wiring.seal.signed}: the records up to it count as they stand")


def reconcile(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Finish or undo what an interrupted promotion left, and make the pods agree with the alias."""
    wiring = Wiring.load()
    with waiting("comparing ledger, alias and pods"):
        done = mend(wiring.quiet_production if as_json else wiring.production)
    if as_json:
        document({"done": done})
        return
    for sentence in done or ["nothing to mend: ledger, alias and pods agree"]:
        line(sentence)


def _end(wiring: Wiring, entry: Entry[Moved], sentence: str, *, as_json: bool) -> None:
    if as_json:
        document(_stored(wiring.journal, entry))
    else:
        line(sentence)
