"""Scores as they come, in a folder: parts with a manifest, from which a run that was broken off goes on.

A part is there whole or not at all. What is published is put together from the parts by a publisher, and only then do they go.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ratchet.clients.durable import TEMPORARY, staged, sync, write_synced
from ratchet.core.errors import LockHeld, UserError
from ratchet.core.schema import Columns
from ratchet.scores.port import Done

MANIFEST, SEEN = "made-of.json", b"ratchet.seen"
_TRIES = 100


class Publisher(Protocol):
    """Puts all of the scores in their place at once."""

    @property
    def place(self) -> str:
        """It, without what may be secret."""
        ...

    def check(self) -> None:
        """Raise UserError or Unavailable where it cannot be written: before hours of work, and not behind them."""
        ...

    def publish(self, parts: Parts) -> None:
        """Put them there, whole or not at all, over what was there."""
        ...


class Parts:
    """The parts of a folder, in their order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return sorted(self.folder.glob("part-*.parquet"))

    @property
    def schema(self) -> pa.Schema:
        """Of each; there is one at least."""
        return pq.read_schema(self.paths[0]).remove_metadata()

    def __iter__(self) -> Iterator[pa.Table]:
        """One after the other."""
        for path in self.paths:
            yield pq.read_table(path).replace_schema_metadata(None)


class KeptScores:
    """Implements `ratchet.scores.port.Target`.

    Args:
        folder: for the parts; it goes when they are published.
        publisher: of the place that they are for.
    """

    def __init__(self, folder: Path, publisher: Publisher) -> None:
        self._folder, self._publisher, self._parts = folder, publisher, Parts(folder)
        self._lock: int | None = None

    @property
    def place(self) -> str:
        """As the publisher says."""
        return self._publisher.place

    def begin(self, made_of: Mapping[str, Any], *, resume: bool) -> Done:
        """Lock the folder and compare its manifest; parts of anything else go. Raises LockHeld, UserError or Unavailable."""
        self._publisher.check()
        try:
            self._lock = self._locked()
            done = self._kept(made_of) if resume else None
            if done is None:
                self._empty()
                with staged(self._folder / MANIFEST) as path:
                    write_synced(path, lambda file: file.write(json.dumps(dict(made_of), indent=1).encode()))
            return done or Done()
        except OSError as error:
            raise self._unwritable(error) from error

    def keep(self, columns: Columns, seen: Mapping[str, int]) -> None:
        """One more part, synced. Raises UserError where the folder cannot be written."""
        table = pa.table({name: _arrow(values) for name, values in columns.items()})
        table = table.replace_schema_metadata({SEEN: json.dumps(seen).encode()})
        try:
            with staged(self._folder / f"part-{len(self._parts.paths):06d}.parquet") as path:
                write_synced(path, lambda file: pq.write_table(table, file, compression="zstd", use_dictionary=False))
        except OSError as error:
            raise self._unwritable(error) from error

    def kept_keys(self) -> Iterator[NDArray[Any]]:
        """The first column of each part."""
        for path in self._parts.paths:
            name = pq.read_schema(path).names[0]
            yield pq.read_table(path, columns=[name])[name].to_numpy()

    def publish(self) -> None:
        """By the publisher; then the folder goes. Raises UserError or Unavailable."""
        try:
            self._publisher.publish(self._parts)
            shutil.rmtree(self._folder)
        except OSError as error:
            raise self._unwritable(error) from error

    def forget(self) -> None:
        """The folder goes, as far as it can."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """Drop the lock; parts stay for the next run."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _locked(self) -> int:
        """A lock on the folder itself, which leaves nothing behind: the folder may be gone when it is had, then on a new one."""
        for _ in range(_TRIES):
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is(descriptor):
                    return descriptor
            except BlockingIOError as error:
                os.close(descriptor)
                message = f"somebody else is writing scores to {self.place}: wait until that has ended"
                raise LockHeld(message) from error
            os.close(descriptor)
        message = f"somebody else is writing scores to {self.place}: wait until that has ended"
        raise LockHeld(message)

    def _is(self, descriptor: int) -> bool:
        """Whether the folder of that name is the one that is open."""
        opened, there = os.fstat(descriptor), self._folder.stat()
        return (opened.st_dev, opened.st_ino) == (there.st_dev, there.st_ino)

    def _kept(self, made_of: Mapping[str, Any]) -> Done | None:
        """What the parts hold; None where they were made of something else, or one cannot be read."""
        try:
            found = json.loads((self._folder / MANIFEST).read_bytes())
            if found != json.loads(json.dumps(dict(made_of))):
                return None
            rows, seen = 0, "{}"
            for path in self._parts.paths:
                metadata = pq.read_metadata(path)
                rows, seen = rows + metadata.num_rows, (metadata.metadata or {})[SEEN].decode()
            return Done(rows, Counter(json.loads(seen)))
        except (FileNotFoundError, ValueError, KeyError, pa.ArrowException):
            return None

    def _empty(self) -> None:
        for path in (*self._parts.paths, *self._folder.glob(f"{TEMPORARY}*"), self._folder / MANIFEST):
            path.unlink(missing_ok=True)
        sync(self._folder)

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"the scores for {self.place} cannot be written ({error.strerror or error}): check the place and its disk")


def _arrow(values: NDArray[Any]) -> pa.Array:
    return pa.array(values, pa.string()) if values.dtype == np.object_ else pa.array(values)
