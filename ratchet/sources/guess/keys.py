"""Which column is the entity's key: in every table, with a different value in every row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ratchet.core.errors import DataError
from ratchet.core.schema import DType
from ratchet.sources.guess.names import clean
from ratchet.sources.guess.seen import Seen

Tables = Mapping[str, Sequence[Seen]]

_NAMED = (
    re.compile(r"(^|_)(id|key|uuid|guid)$|^(id|key)_|[a-z](id|key)$"),
    re.compile(r"(^|_)(no|nr|num|number|code|identifier|rownames|obs|email|user|customer|client|account|member|name)$"),
)
_UNNAMED = len(_NAMED)
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Key:
    """`name` is ours, `headers` what it is called in each table; `left` are tables without it, and why."""

    name: str
    headers: Mapping[str, str]
    why: str
    left: Mapping[str, str] = field(default_factory=dict)


def find_key(tables: Tables, asked: str | None) -> Key:
    """The key. Raises DataError with the reason why none can be it, or with those that could be."""
    return _asked(tables, asked) if asked else _guessed(tables)


def _asked(tables: Tables, asked: str) -> Key:
    named = {table: next((seen for seen in columns if _is_called(seen, asked)), None) for table, columns in tables.items()}
    left: dict[str, str] = {}
    headers: dict[str, str] = {}
    for table, seen in named.items():
        if seen is None:
            left[table] = f"it has no column {asked}: its columns are {_listed([one.header for one in tables[table]])}"
        elif seen.no_key:
            left[table] = f"{seen.header} {seen.no_key}; one row an entity is needed"
        else:
            headers[table] = seen.header
    if not headers:
        said = "; ".join(f"{table}: {why}" for table, why in left.items())
        message = f"--entity {asked} cannot be the entity key: {said}"
        raise DataError(message)
    return Key(_name(next(iter(headers.values()))), headers, "as asked", left)


def _guessed(tables: Tables) -> Key:
    fitting = {
        table: {clean(seen.header) or seen.header: seen for seen in columns if _may_be(seen)} for table, columns in tables.items()
    }
    # a key is in most tables, is named like one, and stands in front
    ranked = sorted(
        {
            (-sum(name in found for found in fitting.values()), _rank(seen), name)
            for found in fitting.values()
            for name, seen in found.items()
            if name
        }
    )
    sure = [item for item in ranked if item[1] < _UNNAMED or -item[0] > 1 or _leads(tables, item[2])]
    if not sure:
        raise DataError(_why_none(tables, [item[2] for item in ranked]))
    best = [name for count, rank, name in sure if (count, rank) == sure[0][:2]]
    chosen = best if len(best) == 1 else [name for name in best if _leads(tables, name)]
    if len(chosen) != 1:
        message = f"the entity key cannot be guessed: several could be ({', '.join(best)}); name it by --entity"
        raise DataError(message)
    headers = {table: found[chosen[0]].header for table, found in fitting.items() if chosen[0] in found}
    left = {table: _lacking(columns, chosen[0]) for table, columns in tables.items() if table not in headers}
    rows = "a different value in every row"
    why = f"in every table, {rows}" if len(headers) > 1 and not left else rows
    return Key(_name(chosen[0]), headers, why, left)


def _may_be(seen: Seen) -> bool:
    fraction = DType.FLOAT in seen.fits and not seen.fits[DType.FLOAT].faulty and not seen.coded
    fraction = fraction and (DType.INT not in seen.fits or seen.fits[DType.INT].faulty > 0)
    nameless = seen.index and seen.header.startswith("__index_level_")
    return not seen.no_key and not fraction and not nameless and bool(seen.header.strip())


def _rank(seen: Seen) -> int:
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", seen.header).lower()).strip("_")
    return next((rank for rank, form in enumerate(_NAMED) if form.search(name)), _UNNAMED)


def _leads(tables: Tables, name: str) -> bool:
    """Whether it is the first column of a table."""
    return any(columns and (clean(columns[0].header) or columns[0].header) == name for columns in tables.values())


def _lacking(columns: Sequence[Seen], name: str) -> str:
    seen = next((seen for seen in columns if clean(seen.header) == name), None)
    if seen is None:
        return f"it has no column {name}: its columns are {_listed([one.header for one in columns])}"
    return f"its key {seen.header} {seen.no_key or 'is no key'}; one row an entity is needed: sum events up"


def _why_none(tables: Tables, unnamed: Sequence[str]) -> str:
    """Why nothing can be the key: the columns that come next to it, with what is wrong with them."""
    wrong = [
        (_rank(seen), seen.position, f"{table}.{seen.header} {seen.no_key}")
        for table, columns in tables.items()
        for seen in columns
        if seen.no_key
    ]
    near = [item for item in wrong if item[0] < _UNNAMED] or [item for item in wrong if item[1] == 1]
    said = "; ".join(text for _, _, text in sorted(near)[:3])
    if unnamed:
        said = f"{', '.join(unnamed[:3])} differs in every row and is not named like a key" + (f"; {said}" if said else "")
    tail = "one row an entity is needed, and its key in every table (sum events up; number rows that have no name)"
    none = "no column is in every table with a different value in every row"
    return f"the entity key cannot be guessed: {said or none}. {tail[0].upper()}{tail[1:]}; name it by --entity"


def _is_called(seen: Seen, asked: str) -> bool:
    return seen.header == asked or (clean(seen.header) or seen.header) == (clean(asked) or asked)


def _name(header: str) -> str:
    name = clean(header)
    return name if name and not name[0].isdigit() else "entity_key"


def _listed(headers: Sequence[str]) -> str:
    return ", ".join(headers[:_SHOWN]) + (f" and {len(headers) - _SHOWN} more" if len(headers) > _SHOWN else "")
