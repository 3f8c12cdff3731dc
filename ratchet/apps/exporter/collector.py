"""Reads the sources at its own pace and hands Prometheus what it read last: scrapes cost the stores nothing.

Each source has a thread, so that one that hangs keeps no other from being read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from ratchet.apps.exporter.samples import Reading, families
from ratchet.apps.exporter.sources import Source
from ratchet.core.errors import RatchetError
from ratchet.project.file import Project


class LastRead(Collector):
    """The collector.

    Args:
        sources: the places to read.
        project: gives the policy's figures.
        interval: seconds between two readings of a source.
        complain: gets the reason, once, why a source is away.
    """

    def __init__(self, sources: Sequence[Source], project: Project, interval: float, complain: Callable[[str], None]) -> None:
        self._sources, self._project, self._interval, self._complain = sources, project, interval, complain
        self._seen: dict[str, Reading] = {}
        self._trouble: dict[str, str] = {}
        self._stop = threading.Event()

    def collect(self) -> Iterator[Family]:
        """One scrape."""
        return families(dict(self._seen), self._project, time.time())

    def watch(self) -> None:
        """Read everything again and again; returns only when a reading has ended by a defect, whose trace is in the log.

        The threads are daemons: a reading that hangs must not hold up the process's end.
        """
        for source in self._sources:
            threading.Thread(target=self._watch, args=(source,), name=source.name, daemon=True).start()
        self._stop.wait()

    def read(self, source: Source) -> None:
        """Read one source once."""
        begun = time.monotonic()
        before = self._seen.get(source.name)
        seen, trouble, at = None, "", before.at if before else None
        try:
            seen, at = source.read(), time.time()
        except RatchetError as error:
            trouble = str(error)
        self._seen[source.name] = Reading(seen, at, time.monotonic() - begun)
        if trouble and trouble != self._trouble.get(source.name):
            self._complain(trouble)
        self._trouble[source.name] = trouble

    def _watch(self, source: Source) -> None:
        try:
            self.read(source)
            while not self._stop.wait(self._interval * self.pace(source)):
                self.read(source)
        finally:
            self._stop.set()

    def pace(self, source: Source) -> int:
        """Intervals until the next reading: one for a source that is away."""
        return source.every if self._seen[source.name].seen is not None else 1
