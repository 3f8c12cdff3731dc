"""What a request asks for: an entity, the features that it brings, or both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pydantic_core import to_json

from ratchet.core.schema import Feature, FeatureValue
from ratchet.project.columns import Column
from ratchet.project.file import Project
from serving.bodies import Doubled, Refused, entity_in
from serving.cell import Misfit, Reader, reader, typed_reader
from serving.golden import GoldenRows

FEATURES = "features"  # the field of a body that brings them
_NAME = 63  # characters of a field's name that a sentence repeats
_ALIKE = 0.5  # share of letter pairs that two names have in common
_HINTS = 20  # refusals of one batch that look for it

Values = dict[str, FeatureValue]


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing to score.

    Attributes:
        entity: its name, empty where the request brings all features and names nobody.
        posted: features that the request brings, as the model sees them; None where it brings none.
        looked_up: whether the stored features are needed.
        golden: whether a promotion may be asking, by a golden row of the version.
    """

    entity: str
    posted: Values | None = None
    looked_up: bool = True
    golden: bool = False


class Asking:
    """Reads what requests ask for, by the project's rules.

    Args:
        project: whose features they are, and whether a request may bring them.
        today: what posted dates are counted from, by default today in UTC.
    """

    def __init__(self, project: Project, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        self._key, self.mode, self._keeps = project.entity, project.takes_posted, project.keeps_features
        self._names = tuple(column.name for column in project.features)
        self._may_miss = frozenset(column.name for column in project.features if may_miss(column, project))
        self._readers: dict[str, Reader] = {}
        self._lenient: dict[str, Reader] = {}
        self._nearest: dict[str, str] = {}
        self._letters = {name: _pairs(name) for name in self._names}
        if self.mode == "never":
            return
        for column in project.features:
            self._readers[column.name] = reader(column, today, may_miss=column.name in self._may_miss)
            self._lenient[column.name] = typed_reader(column, today)
            for name in (column.header, column.name):
                self._nearest[_plain(name)] = column.name

    @property
    def takes_features(self) -> bool:
        """Whether a request may bring features."""
        return self.mode != "never"

    def read(self, body: Any, needed: Sequence[Feature], *, golden: GoldenRows | None = None, hints: bool = True) -> Asked:
        """What one parsed body asks for.

        Args:
            body: as JSON has it.
            needed: the served version's inputs: of a row that comes whole, those without a value must be allowed to have none.
            golden: the served version's, where this is a probe. A promotion asks by them, and they fit the rules of their time: so
                one of them is held to its types alone.
            hints: whether a field that is not known is told the nearest name.

        Raises Refused (422) naming the field and the rule.
        """
        if self.mode == "never" or not isinstance(body, dict):
            return self._named(body, golden)
        _require_once(body)
        if FEATURES not in body:
            if not self._keeps:
                raise Refused(422, f'the body has no field {FEATURES}: send {{"{FEATURES}": {{...}}}}, this project stores none')
            return self._named(body, golden)
        stranger = next((name for name in body if name not in {self._key, FEATURES}), None)
        if stranger is not None:
            raise Refused(422, f"unknown field {stranger[:_NAME]!r}: send {self._key} and {FEATURES} alone")
        sent = body[FEATURES]
        lenient = golden is not None and isinstance(sent, dict) and golden.have(sent)
        posted = self._posted(sent, lenient=lenient, hints=hints)
        if self.mode == "over":
            entity = entity_in({self._key: body[self._key]} if self._key in body else {}, self._key)
            return Asked(entity, posted, len(posted) < len(self._names), golden is not None and golden.names(entity))
        entity = entity_in({self._key: body[self._key]}, self._key) if self._key in body else ""
        absent = [feature.name for feature in needed if feature.name not in posted and feature.name not in self._may_miss]
        if absent and not lenient:
            raise Refused(422, f"{FEATURES}.{absent[0]} is missing, and the project allows none (nullable){_more(len(absent))}")
        return Asked(entity, {name: posted.get(name) for name in self._names}, looked_up=False)

    def _named(self, body: Any, golden: GoldenRows | None) -> Asked:
        entity = entity_in(body, self._key)
        return Asked(entity, golden=golden is not None and golden.names(entity))

    def _posted(self, features: Any, *, lenient: bool, hints: bool) -> Values:
        if not isinstance(features, dict):
            raise Refused(422, f'{FEATURES} must be an object of names and values: {{"{self._names[0]}": ...}}')
        _require_once(features)
        readers = self._lenient if lenient else self._readers
        found: Values = {}
        wrong: list[str] = []
        for name, value in features.items():
            read = readers.get(name)
            if read is None:
                raise Refused(422, self._stranger(name, hints=hints))
            try:
                found[name] = read(value)
            except Misfit as misfit:
                wrong.append(f"{FEATURES}.{name} {misfit}")
        if wrong:
            raise Refused(422, f"{wrong[0]}{_more(len(wrong))}")
        return found

    def _stranger(self, name: str, *, hints: bool) -> str:
        near = self._nearest.get(_plain(name[:_NAME]))
        if near is None and hints:
            near = self._near(_pairs(name[:_NAME]))
        return f"unknown field {name[:_NAME]!r} in {FEATURES}: " + (
            f"is {near} meant?" if near else "the project has no such feature"
        )

    def _near(self, pairs: frozenset[str]) -> str | None:
        """The name that has most pairs of letters in common, by Dice's coefficient (Adamson and Boreham, 1974), from a half on.

        difflib's ratio takes 40 ms for 300 names, in which this process would answer nobody.
        """
        shares = ((2 * len(pairs & theirs) / (len(pairs) + len(theirs) or 1), name) for name, theirs in self._letters.items())
        share, name = max(shares)
        return name if share >= _ALIKE else None

    def read_item(self, item: Any, needed: Sequence[Feature], refused: int, golden: GoldenRows | None) -> Asked | Refused:
        """What an item of a batch asks for, or the Refused that it would raise alone; `refused` are those of the batch so far."""
        try:
            return self.read(item, needed, golden=golden, hints=refused < _HINTS)
        except Refused as refusal:
            return refusal


def posted_text(posted: Mapping[str, FeatureValue], as_of: date | None) -> str:
    """What the request log keeps of posted features, as JSON: with the stored row of that date, the row that was scored."""
    return to_json({"features": posted, "as_of": as_of}).decode()


def _require_once(sent: dict[str, Any]) -> None:
    if isinstance(sent, Doubled):
        raise Refused(422, f"field {sent.twice[:_NAME]!r} is sent more than once")


def may_miss(column: Column, project: Project) -> bool:
    """Whether a row may have no value of the column: ingest takes in such rows, too."""
    return column.nullable or column.on_unknown == "missing" or project.may_lack(column)


def _plain(name: str) -> str:
    """A name without case and marks, by which `Total-Charges` is total_charges."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _pairs(name: str) -> frozenset[str]:
    plain = _plain(name)
    return frozenset(plain[at : at + 2] for at in range(len(plain) - 1))


def _more(wrong: int) -> str:
    return f" (and {wrong - 1} more)" if wrong > 1 else ""
