"""`ratchet status`, `history`, `approve`, `rollback` and `reconcile`: what production is, and what people do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import typer

from ratchet.apps.cli.console import AsJson, document, facts, line, table, waiting
from ratchet.apps.cli.models import show_all
from ratchet.apps.record_forms import known
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.promotion import by_hand
from ratchet.promotion.reconcile import reconcile as mend
from ratchet.rollout.state import PodReport
from ratchet.wiring import Wiring

_Kind = Literal["ingest", "trigger", "gate", "promotion", "reconcile", "live", "run", "watch", "prune"]
_LAST = 2**31 - 1  # the registries' column of version numbers


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog="Example: ratchet status --json | jq .production.version")(status)
    app.command(epilog="Examples: ratchet history; ratchet history --kind promotion --json")(history)
    app.command(epilog="Examples: ratchet approve 3; ratchet approve 4 --without-comparison")(approve)
    app.command(epilog="Examples: ratchet rollback; ratchet rollback --to 2 --reason 'wrong labels in May'")(rollback)
    app.command(epilog="Example: ratchet reconcile")(reconcile)


def _version(version: ModelVersion | None) -> dict[str, Any] | None:
    if version is None:
        return None
    trained = version.provenance.snapshot_ids if version.provenance else ()
    return {
        "version": version.number,
        "created_at": version.created_at.isoformat(),
        "trained_on": trained,
        "metrics": dict(version.metrics),
    }


def status(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Who is in production, who serves, and whether that agrees; without a project file, of all models of the home."""
    if show_all(as_json=as_json):
        return
    wiring = Wiring.load()
    with waiting("asking registry, ledger and servers"):
        seen = by_hand.status(wiring.registry, wiring.ledger, wiring.rollout)
    content = {
        "production": _version(seen.champion),
        "previous": _version(seen.previous),
        "pinned": seen.pinned,
        "agree": seen.agree,
        "rollout": {"state": seen.progress.state.value, "detail": seen.progress.detail},
        "pods": [{"name": pod.name, "version": pod.version, "ready": pod.ready, "detail": pod.detail} for pod in seen.pods],
        "awaiting_approval": [record.body["to"] for record in seen.waiting],
        "interrupted": _row(seen.interrupted) if seen.interrupted else None,
        "last_promotion": _row(seen.last) if seen.last else None,
        "address": wiring.settings.url,
    }
    if as_json:
        document(content)
        return
    champion = seen.champion
    pods = ", ".join(_pod(pod) for pod in seen.pods)
    facts(
        wiring.project.model,
        {
            "production": f"version {champion.number}" if champion else "no model yet: ratchet run",
            "trained on": ", ".join(champion.provenance.snapshot_ids) if champion and champion.provenance else None,
            "holdout AUC": f"{champion.metrics['holdout_auc']:.3f}" if champion and "holdout_auc" in champion.metrics else None,
            "since": f"{seen.last.at:%Y-%m-%d %H:%M} UTC, by {seen.last.actor} ({seen.last.body['cause']})" if seen.last else None,
            "why": "; ".join(seen.last.body["reasons"]) if seen.last else None,
            "previous": f"version {seen.previous.number} (ratchet rollback)" if seen.previous else None,
            "serving": pods or f"nothing runs (ratchet serve starts it); pinned: {seen.pinned or 'none'}",
            "agree": "yes" if seen.agree else "NO: alias and pods differ, ratchet reconcile mends it",
            "awaiting approval": ", ".join(f"version {record.body['to']}" for record in seen.waiting),
            "interrupted": f"a move to version {seen.interrupted.body['to']}: ratchet reconcile" if seen.interrupted else None,
        },
    )


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


def history(
    kind: Annotated[_Kind | None, typer.Option(help="Only records of this kind.")] = None,
    last: Annotated[int, typer.Option(min=1, help="The newest N records.")] = 50,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """The ledger: every decision with its reasons. Verifies the chain first."""
    wiring = Wiring.load()
    count = wiring.ledger.verify()
    records = wiring.ledger.records(kind)[-last:]
    if as_json:
        document({"verified": count, "records": [_row(record) for record in records]})
        return
    rows = [(record.seq, f"{record.at:%Y-%m-%d %H:%M:%S}", record.actor, record.kind, *told(record)) for record in records]
    table("ledger (times in UTC)", ["#", "at", "by", "kind", "outcome", "why"], rows)
    head = f", head {wiring.ledger.records()[-1].hash[:16]}" if count else ""
    line(f"chain verified: {count} records{head}")


def told(record: Record) -> tuple[str, str]:
    """Outcome and reasons of a record, in words."""
    body = record.body
    if record.kind not in _TOLD or not known(record):
        return "", "; ".join(f"{name} {value}" for name, value in body.items())
    return _TOLD[record.kind](body)


def _live(body: Mapping[str, Any]) -> tuple[str, str]:
    interval = f"{body['auc']:.3f} ({body['low']:.3f} to {body['high']:.3f})" if body["low"] is not None else "not known yet"
    return f"version {body['version']}", f"live AUC {interval}, {body['rows']} labelled answers"


_TOLD: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "ingest": lambda b: (f"{b['name']} taken in", f"{b['rows']} rows, {b['labelled_rows']} labelled, {b['snapshot']}"),
    "trigger": lambda b: (b["action"], "; ".join(b["reasons"])),
    "run": lambda b: (b["state"], "; ".join(filter(None, (f"reached {', '.join(b['reached']) or 'nothing'}", b["error"])))),
    "watch": lambda b: (f"run {b['run_id']}", f"{b['name']} is new to version {b['champion'] or 'none'}"),
    "gate": lambda b: (f"{b['verdict']}: version {b['candidate']} against {b['champion'] or 'none'}", "; ".join(b["decisive"])),
    "promotion": lambda b: (
        f"{b['cause']}: {b['from'] or 'none'} -> {b['to']} {b['state']}",
        b.get("error") or "; ".join(b["reasons"]),
    ),
    "reconcile": lambda b: (f"pods {b['from']} -> {b['to']}", b["reason"]),
    "live": _live,
    "prune": lambda b: (f"answers from before {b['before'][:16].replace('T', ' ')} deleted", f"{b['answers']} of them"),
}


def approve(
    version: Annotated[int, typer.Argument(help="The version that awaits approval (ratchet status names it).", min=1, max=_LAST)],
    without_comparison: Annotated[bool, typer.Option(help="Promote what the gate could not compare (UNKNOWN).")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Promote a candidate that passed the gate and waits (policy.approval: manual)."""
    wiring = Wiring.load()
    with waiting(f"promoting version {version}"):
        world = wiring.quiet_world if as_json else wiring.world
        if without_comparison:
            record = by_hand.approve_without_comparison(world, version)
        else:
            record = by_hand.approve(world, wiring.store, version, wiring.project.hash)
    _end(record, f"version {version} is in production, approved by {record.actor}", as_json=as_json)


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
        record = by_hand.rollback(wiring.quiet_world if as_json else wiring.world, to, reason)
    body = record.body
    _end(
        record,
        f"version {body['to']} is in production again, version {body['from']} is not (gate skipped: rollback)",
        as_json=as_json,
    )


def reconcile(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Finish or undo what an interrupted promotion left, and make the pods agree with the alias."""
    wiring = Wiring.load()
    with waiting("comparing ledger, alias and pods"):
        done = mend(wiring.quiet_world if as_json else wiring.world)
    if as_json:
        document({"done": done})
        return
    for sentence in done or ["nothing to mend: ledger, alias and pods agree"]:
        line(sentence)


def _end(record: Record, sentence: str, *, as_json: bool) -> None:
    if as_json:
        document(_row(record))
    else:
        line(sentence)
