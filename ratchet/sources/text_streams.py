"""The bytes of a text file, unpacked where they are packed, and the encoding that they are in."""

from __future__ import annotations

import codecs
import gzip
import io
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from ratchet.clients.memory import allowed
from ratchet.sources.problems import Problem, TableError

_SHARE = 6  # times its text a table takes while it is checked and stored
_MARKS = (  # of the longest first: UTF-16's little end begins UTF-32's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOK = 4096  # bytes in which UTF-16 without its mark shows itself


class _Bounded(io.RawIOBase):
    """What a packed file unpacks to, of which a few kilobytes can be all the memory there is."""

    def __init__(self, path: Path, table: str, most: int) -> None:
        super().__init__()
        self._packed = gzip.GzipFile(path, "rb")
        self._path, self._table, self._most, self._left = path, table, most, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        taken = self._packed.readinto(buffer)
        self._left -= taken
        if self._left < 0:
            message = f"{self._path.name} unpacks to more than the {self._most:,} bytes that there is room for"
            raise TableError(Problem(self._table, "", f"{message}: it needs a larger machine"))
        return taken

    def close(self) -> None:
        self._packed.close()
        super().close()


def opened(path: Path, table: str, most: int | None = None) -> BinaryIO:
    """The file's bytes, unpacked within bounds. Raises OSError; reading them OSError, EOFError and TableError."""
    if not path.name.lower().endswith(".gz"):
        return path.open("rb")
    return io.BufferedReader(_Bounded(path, table, allowed() // _SHARE if most is None else most), 1 << 20)


def encoding_of(path: Path, table: str, told: str | None) -> str:
    """By the file's mark, else as the project tells, else UTF-8. Raises TableError for what looks like UTF-16 without a mark."""
    with opened(path, table) as file:
        start = file.read(_LOOK)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if told:
        return told
    even, odd = start[0::2], start[1::2]
    for zeros, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros.count(0) > len(zeros) / 2 and others.count(0) < len(others) / 4:
            message = (
                f"{path.name} is not UTF-8 text, but UTF-16 without its mark: say `encoding: {name}` of the table in ratchet.yaml"
            )
            raise TableError(Problem(table, "", message))
    return "utf-8-sig"


def as_text(path: Path, table: str, encoding: str) -> TextIO:
    """The file's text, line ends as they are. Reading it raises UnicodeError, and what `opened` does."""
    return io.TextIOWrapper(opened(path, table), encoding=encoding, newline="")
