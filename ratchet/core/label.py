"""What a label may be: the task says it, and those who read labels ask."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ratchet.core.errors import DataError
from ratchet.core.estimate import Labels
from ratchet.core.schema import DType


class LabelKind(Protocol):
    """The labels of a task."""

    @property
    def dtype(self) -> DType:
        """What a file's column of labels is read as, and faulty cells are named by."""
        ...

    @property
    def stored(self) -> str:
        """The name that numpy has for the type that labels are kept as."""
        ...

    @property
    def wanted(self) -> str:
        """What a label is, to complete "label 'x' is not …"."""
        ...

    def read(self, cell: Any) -> Any:
        """A late label (text, or a value of any type) as it is stored. Raises ValueError when it is none."""
        ...


def read_labels(kind: LabelKind, cells: Any) -> Labels:
    """Late labels as they are stored, shape (n,). Raises DataError naming the row (1 is the first) and the cell."""
    values = []
    for number, cell in enumerate(cells, start=1):
        try:
            values.append(kind.read(cell))
        except ValueError as error:
            message = f"labels, row {number}: label {str(cell)!r} is not {kind.wanted}"
            raise DataError(message) from error
    return np.array(values, dtype=kind.stored)
