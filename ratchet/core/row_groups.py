"""Which rows of a large snapshot are counted together: by one task, where there can be several."""

from __future__ import annotations

from ratchet.core.errors import UserError

ROWS_PER_POD = 5_000_000
MOST_GROUPS = 16
_ROUND = 100_000  # groups begin where the store's own row groups do


def row_groups(rows: int, per_pod: int = ROWS_PER_POD) -> list[range]:
    """Stretches that cover all rows: one up to `per_pod` rows, then equal ones, as many as needed and MOST_GROUPS at most."""
    number = min(-(-rows // per_pod), MOST_GROUPS)
    if number <= 1:
        return [range(rows)]
    length = -(-rows // number)
    if length > _ROUND:
        length = -(-length // _ROUND) * _ROUND
    return [range(start, min(start + length, rows)) for start in range(0, rows, length)]


def label_of(rows: range) -> str:
    """`0-5000000`: a stretch as a task's argument and in a file's name."""
    return f"{rows.start}-{rows.stop}"


def labelled(label: str, rows: int) -> range:
    """The inverse, of a table of `rows` rows. Raises UserError when it is no stretch of them."""
    start, dash, stop = label.partition("-")
    if not dash or not (start.isdecimal() and stop.isdecimal()) or not int(start) <= int(stop) <= rows:
        message = f"{label[:80]!r} is no stretch of {rows} rows: it is written as first row, dash, row after the last"
        raise UserError(message)
    return range(int(start), int(stop))
