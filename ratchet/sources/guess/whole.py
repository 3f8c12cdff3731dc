"""Everything that was found of unknown data, and the file that follows from it and from what a person answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median_low
from typing import Any

import yaml
from pydantic import ValidationError

from ratchet.core.errors import DataError, ProjectError
from ratchet.project.file import DataPolicy, Project
from ratchet.snapshots.layout import EVENT_TIMESTAMP
from ratchet.sources.guess.columns import Left, Taken
from ratchet.sources.guess.dates import date_in, dates_of
from ratchet.sources.guess.folders import Folders
from ratchet.sources.guess.holdout import Held, choose
from ratchet.sources.guess.joint import Joint
from ratchet.sources.guess.keys import Key
from ratchet.sources.guess.label import Found
from ratchet.sources.guess.names import Names, clean, is_plain
from ratchet.sources.guess.seen import Seen
from ratchet.sources.guess.text import Guesses, Part, render

_MARGIN = 2  # a later snapshot may have half the rows of the smallest


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a person is asked about: whether a column is taken, and what is done without an answer."""

    place: str
    why: str
    taken: bool


@dataclass(frozen=True, slots=True)
class Described:
    """A ratchet.yaml's commented text, how its holdout was chosen, and what was taken as what, with the reasons.

    `parts` are the key, the label, features and what is left out, in the file's order. `snapshot` is one to begin with,
    below `place`.
    """

    text: str
    held: Held
    parts: Sequence[Part]
    doubts: Sequence[Doubt]
    notes: Sequence[str]
    place: Path
    snapshot: str
    _all: Any = field(repr=False, compare=False)

    def settled(self, answers: Mapping[str, bool]) -> Described:
        """With what a person says of the doubtful columns: whether each, by its place, is taken."""
        described: Described = self._all(answers)
        return described


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything that was found; called with answers it writes the file."""

    folders: Folders
    tables: Mapping[str, Sequence[Seen]]
    key: Key
    label: Found
    first: str
    verdicts: Sequence[tuple[Seen, Taken | Left]]
    joint: Joint
    model: str
    notes: Sequence[str]

    def __call__(self, answers: Mapping[str, bool]) -> Described:
        """The file; `answers` say of doubtful columns, by their place, whether each is taken."""
        held = self._held()
        table_names = self._table_names()
        entries, features, left, doubts = self._columns(table_names, answers)
        if not entries:
            message = "no column is left to be a feature: " + "; ".join(f"{part.place}: {part.why}" for part in left[:12])
            raise DataError(message)
        dates, spoken = dates_of(self.folders.names)
        label = self.label
        found = Guesses(
            model=self.model,
            entity=self._entity(),
            label=self._label(table_names),
            label_why=label.why,
            dates=dates,
            dates_spoken=spoken,
            tables=[self._table(table, table_names[table]) for table in table_names],
            features=entries,
            left=left,
            held=held,
            min_rows=self._min_rows(),
        )
        text = render(found)
        try:
            Project.model_validate(yaml.safe_load(text))
        except (ValidationError, yaml.YAMLError) as error:
            message = f"no ratchet.yaml can be made of {self.folders.place}: {' '.join(str(error).split())[:300]}"
            raise ProjectError(message) from error
        header = self.key.headers[self.first]
        parts = [
            Part(f"{self.first}.{header}", self.key.name, "entity", self.key.why),
            Part(f"{label.seen.table}.{label.seen.header}", label.name, "label", label.why),
            *features,
            *left,
        ]
        newest = max(self.folders.read, key=lambda name: (dates.get(name) is None, str(dates.get(name, name))))
        return Described(
            text,
            held,
            parts,
            doubts,
            [*self.notes, *_guessed_dates(dates, spoken=spoken), *self._said()],
            self.folders.place,
            newest,
            self,
        )

    def _held(self) -> Held:
        """By a snapshot in the middle: the newest one's labels may not all have come."""
        rows, rarer = zip(*self.joint.labelled, strict=True)
        return choose(median_low(rows), median_low(rarer))

    def _min_rows(self) -> int:
        fewest = min(seen.fewest for table, columns in self.tables.items() if table in self.key.headers for seen in columns[:1])
        return (
            min(DataPolicy().min_rows, max(2, fewest // _MARGIN))
            if fewest < DataPolicy().min_rows * _MARGIN
            else DataPolicy().min_rows
        )

    def _table_names(self) -> dict[str, str]:
        """Our names of the tables, the one that lists the entities first."""
        names = Names(())
        others = [table for table in self.key.headers if table != self.first]
        optional = self.joint.optional
        # the first table that may not be missing lists the entities
        ordered = sorted(self.key.headers) if self.first not in optional and self._leads() else [self.first, *sorted(others)]
        return {table: names.give(table, "table", number) for number, table in enumerate(ordered, 1)}

    def _leads(self) -> bool:
        """Whether in the order of names no other table would be taken for the list of entities."""
        feature = [table for table in sorted(self.key.headers) if table != self.label.seen.table or not self.label.alone]
        return next((table for table in feature if table not in self.joint.optional), "") == self.first

    def _entity(self) -> dict[str, str] | str:
        header = self.key.headers[self.first]
        return self.key.name if header == self.key.name else {"name": self.key.name, "column": header}

    def _table(self, table: str, name: str) -> dict[str, Any] | str:
        entry: dict[str, Any] = {"name": name}
        if name != table:
            entry["file"] = table
        alone = self.label.alone and table == self.label.seen.table
        if table in self.joint.optional and table != self.first and not alone:
            entry["optional"] = True
        if self.key.headers[table] != self.key.headers[self.first]:
            entry["key"] = self.key.headers[table]
        return name if len(entry) == 1 else entry

    def _label(self, table_names: Mapping[str, str]) -> dict[str, str]:
        label = self.label
        entry = {"column": label.seen.header, "table": table_names[label.seen.table]}
        if not is_plain(label.seen.header):
            entry["name"] = self._label_name()
        if label.positive is not None:
            entry["positive"] = label.positive
        if label.alone and label.seen.table in self.joint.beyond:
            entry["on_unknown"] = "missing"
        return entry

    def _label_name(self) -> str:
        name = clean(self.label.seen.header)
        return name if is_plain(name) and name != self.key.name else "label"

    def _columns(
        self, table_names: Mapping[str, str], answers: Mapping[str, bool]
    ) -> tuple[list[dict[str, Any]], list[Part], list[Part], list[Doubt]]:
        """Entries of the columns that are taken, what is said of them and of the others, and what to ask."""
        label_name = self.label.seen.header if is_plain(self.label.seen.header) else self._label_name()
        names = Names({EVENT_TIMESTAMP, "created_timestamp", self.key.name, label_name})
        entries: list[dict[str, Any]] = []
        features, left, doubts = [], [], []
        for seen, verdict in self.verdicts:
            place = f"{seen.table}.{seen.header}"
            hint = self.joint.known.get((seen.table, seen.header))
            known = hint is not None and hint.sure
            why, doubt = verdict.why, verdict.doubt if isinstance(verdict, Taken) else ""
            taken = isinstance(verdict, Taken) and not known
            if hint is not None and hint.sure:
                why = f"{hint.why}: the model would not know it before"
            elif hint is not None:
                doubt = f"{hint.why}, which is luck in few rows, or the model would not know it before" + (doubt and f"; {doubt}")
            asked = isinstance(verdict, Taken) or verdict.asked
            if verdict.entry and asked and (doubt or not taken):
                doubts.append(Doubt(place, doubt or why, taken))
            if answers.get(place, taken) and verdict.entry:
                entry = self._named(seen, names, table_names, verdict.entry)
                entries.append(entry)
                said = "; ".join(part for part in (why, doubt) if part)
                features.append(Part(place, entry["name"], _type(entry), said, doubtful=bool(doubt) or known))
            else:
                kept = self._named(seen, Names(names.taken), table_names, verdict.entry) if verdict.entry else {}
                left.append(Part(place, "", "", why if not taken else f"{doubt or why} (left out as asked)", kept))
        left += [Part(f"{table}", "", "", why) for table, why in self.key.left.items()]
        if self.label.alone:
            table = self.label.seen.table
            drop = {self.label.seen.header, self.key.headers[table]}
            others = [one.header for one in self.tables[table] if one.header not in drop]
            left += [Part(f"{table}.{name}", "", "", "it comes with the label, which the model must not see") for name in others]
        return entries, features, left, doubts

    def _named(self, seen: Seen, names: Names, table_names: Mapping[str, str], entry: Mapping[str, Any]) -> dict[str, Any]:
        name = names.give(seen.header, table_names[seen.table], seen.position)
        column = {} if name == seen.header else {"column": seen.header}
        return {"name": name, **column, "table": table_names[seen.table], **entry}

    def _said(self) -> list[str]:
        """Of the data as a whole."""
        alone = self.label.seen.table if self.label.alone else ""
        said = [
            f"{table}: optional, for it lacks entities of {self.first}, or a snapshot lacks it: its columns are missing then"
            for table in sorted(self.joint.optional - {self.first, alone})
            if table in self.key.headers
        ]
        said += [
            f"{table}: up to {count:,} of its entities are not in {self.first}: their rows are left out"
            for table, count in sorted(self.joint.beyond.items())
        ]
        if self.label.guessed:
            said.append(f"label: {self.label.guessed}")
        return said


def _guessed_dates(dates: Mapping[str, date], *, spoken: bool) -> list[str]:
    if spoken:
        return []
    unsure = next((name for name in dates if date_in(name) is None), next(iter(dates)))
    return [f"the date of {unsure} is not sure: dates are GUESSED as month ends: put the true ones under `snapshots:`"]


def _type(entry: Mapping[str, Any]) -> str:
    shown = entry["dtype"]
    if "range" in entry:
        shown += f" {entry['range'][0]:g} to {entry['range'][1]:g}"
    if "categories" in entry:
        shown += f" {', '.join(map(str, entry['categories'][:4]))}{', ...' if len(entry['categories']) > 4 else ''}"  # noqa: PLR2004 - to know it by
    return f"{shown}, nullable" if entry.get("nullable") else str(shown)
