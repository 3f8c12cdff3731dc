"""Labels find the answers that they are about: by prediction id, or the latest answer of each version to an entity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sqlalchemy import Connection, delete, select, tuple_

from ratchet.core.entity_key import spelled, spellings
from ratchet.requests.label_rows import LabelRow
from ratchet.requests.tables import ABOUT, ANSWERS, LABELS, insert_into

_CHUNK = 300  # of up to three bound parameters a statement: SQLite allowed 999 until 3.32


Models = Sequence[str]  # whose answers are looked at
_Key = tuple[str, str]  # of an answer: model and prediction id


def join_direct(connection: Connection, models: Models, rows: list[LabelRow]) -> int:
    """Join labels that name their answer; how many did."""
    joined = 0
    for chunk in _chunks(rows):
        wanted = {row.prediction_id for row in chunk}
        about = select(ANSWERS.c.prediction_id, ANSWERS.c.model)
        about = about.where(ANSWERS.c.model.in_(models), ANSWERS.c.prediction_id.in_(wanted))
        known = {row.prediction_id: row.model for row in connection.execute(about)}
        found = [row for row in chunk if row.prediction_id in known]
        _upsert(connection, {(known[row.prediction_id], row.prediction_id): row for row in found}, by_entity=False)
        joined += len(found)
    return joined


def join_by_entity(connection: Connection, models: Models, rows: list[LabelRow]) -> tuple[int, int]:
    """Join labels that name an entity; answers labelled, and labels about no answer."""
    unmatched = 0
    labelled: set[_Key] = set()  # an answer that several labels are about counts once
    for chunk in _chunks(rows):
        entities = _kept(chunk)
        columns = (
            ANSWERS.c.entity,
            ANSWERS.c.version,
            ANSWERS.c.answered_at,
            ANSWERS.c.features_hash,
            ANSWERS.c.model,
            ANSWERS.c.prediction_id,
        )
        theirs = [ANSWERS.c.model.in_(models), ANSWERS.c.entity.in_(entities)]
        answers = connection.execute(select(*columns).where(*theirs).order_by(ANSWERS.c.answered_at, ANSWERS.c.prediction_id))
        given: dict[str, list[tuple[int, float, str, _Key]]] = {}
        for entity, version, at, features, *key in answers:
            given.setdefault(spelled(entity), []).append((version, at, features, (key[0], key[1])))
        targets: dict[_Key, LabelRow] = {}
        for row in chunk:
            until = np.inf if row.observed_at is None else row.observed_at
            latest = {
                version: key
                for version, at, features, key in given.get(row.entity, [])
                if at <= until and row.features_hash in {"", features}
            }
            targets |= dict.fromkeys(latest.values(), row)
            labelled.update(latest.values())
            unmatched += not latest
        _forget(connection, models, chunk)
        direct = select(LABELS.c.model, LABELS.c.prediction_id).join(ANSWERS, ABOUT).where(*theirs, LABELS.c.by_entity.is_(False))
        outranked = {(row.model, row.prediction_id) for row in connection.execute(direct)}
        _upsert(connection, {key: row for key, row in targets.items() if key not in outranked}, by_entity=True)
    return len(labelled), unmatched


def _kept(rows: Sequence[LabelRow]) -> set[str]:
    """The rows' entities, as they are spelled and as earlier releases may have logged them."""
    return {kept for row in rows for kept in spellings(row.entity)}


def _forget(connection: Connection, models: Models, rows: Sequence[LabelRow]) -> None:
    """Drop what the same labels (entity, time of observation) pointed at before: a later answer may be the latest now."""
    moments: dict[float | None, list[LabelRow]] = {}
    for row in rows:
        moments.setdefault(row.observed_at, []).append(row)
    for moment, same in moments.items():
        about = select(ANSWERS.c.model, ANSWERS.c.prediction_id)
        about = about.where(ANSWERS.c.model.in_(models), ANSWERS.c.entity.in_(_kept(same)))
        if hashes := {row.features_hash for row in same if row.features_hash}:
            about = about.where(ANSWERS.c.features_hash.in_(hashes))  # another month's labels stay
        connection.execute(
            delete(LABELS).where(
                LABELS.c.by_entity.is_(True),
                tuple_(LABELS.c.model, LABELS.c.prediction_id).in_(about),
                LABELS.c.observed_at.is_not_distinct_from(moment),
            )
        )


def _upsert(connection: Connection, rows: Mapping[_Key, LabelRow], *, by_entity: bool) -> None:
    if not rows:
        return
    statement = insert_into(connection, LABELS)
    statement = statement.on_conflict_do_update(
        index_elements=["model", "prediction_id"],
        set_={name: statement.excluded[name] for name in ("label", "observed_at", "by_entity")},
    )
    connection.execute(
        statement,
        [
            {"model": model, "prediction_id": key, "label": row.label, "observed_at": row.observed_at, "by_entity": by_entity}
            for (model, key), row in rows.items()
        ],
    )


def _chunks(rows: list[LabelRow]) -> Iterator[list[LabelRow]]:
    return (rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))
