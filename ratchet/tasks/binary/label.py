"""A label is 0 or 1, which files also write as true and false."""

from __future__ import annotations

from typing import Any

from ratchet.core.schema import DType

_READ = {"1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "false": 0}


class ZeroOrOne:
    """Implements `ratchet.core.label.LabelKind`."""

    dtype = DType.BOOL
    stored = "int8"
    wanted = "0 or 1"

    def read(self, cell: Any) -> int:
        """In any case, with space around. Raises ValueError."""
        text = str(cell).strip().lower()
        if text not in _READ:
            raise ValueError(text)
        return _READ[text]
