"""Which column of rows to score is which: by our names, or by the headers that ratchet.yaml has, and never by a guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ratchet.core.errors import DataError
from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources.problems import Problem
from ratchet.sources.which_tables import key_of


class RowHeaders:
    """What the key and features may be called.

    Args:
        project: says it.
        name: of the rows, in problems.
        features: those that are asked for. Raises DataError where the project does not have one.
    """

    def __init__(self, project: Project, name: str, features: Sequence[str]) -> None:
        self._name = name
        known = {column.name: column for column in project.columns}
        self._columns = {feature: _of(known, feature) for feature in features}
        self._optional = {feature for feature, column in self._columns.items() if project.may_lack(column)}
        keys = [project.entity, *(key_of(project, table) for table in project.tables)]
        called = {project.entity: keys, **{feature: [feature, column.header] for feature, column in self._columns.items()}}
        self.called = {column: list(dict.fromkeys(headers)) for column, headers in called.items()}  # by our names, the key first
        places = {(self._place(name), header) for name, headers in self.called.items() for header in headers}
        self._claims = Counter(header for _, header in places)  # several columns of ours may be one of a table

    def _place(self, name: str) -> tuple[str, str]:
        """Table and header of a column; the key, which all tables have, is in none."""
        return (self._columns[name].table, self._columns[name].header) if name in self._columns else ("", "")

    def found(self, present: Sequence[str]) -> tuple[dict[str, str], list[Problem]]:
        """Our name -> the header that it has there, and where one is missing, or could be another.

        A column is called as we call it or as ratchet.yaml's `column:` does, not both. One of an optional table need not be there.
        """
        problems, found = list[Problem](), dict[str, str]()
        for name, headers in self.called.items():
            there = [header for header in headers if header in present]
            if len(there) > 1:  # what another column is called as well is that one
                there = [header for header in there if self._claims[header] == 1] or there
            if not there and name in self._optional:
                continue
            if not there:
                problems.append(Problem(self._name, name, f"the column is missing (called {' or '.join(headers)})"))
            elif len(there) > 1:
                both = f"{' and '.join(map(repr, there))} are both there, and each may be it: leave one"
                problems.append(Problem(self._name, name, both))
            elif present.count(there[0]) > 1:
                problems.append(Problem(self._name, name, f"the column is there {present.count(there[0])} times"))
            else:
                found[name] = there[0]
        return found, problems + self._shared(found)

    def _shared(self, found: Mapping[str, str]) -> list[Problem]:
        """Where one header is of several columns that are not one in a table: which of them it is, nobody knows."""
        named: dict[str, list[str]] = {}
        for name, header in found.items():
            if name in self._columns:
                named.setdefault(header, []).append(name)
        problems = []
        for header, names in named.items():
            columns = {self._place(name) for name in names}
            if len(columns) > 1:
                kind = "tables" if len({table for table, _ in columns}) > 1 else "columns"
                which = f"{header!r} is the header of {' and '.join(names)}, of several {kind}"
                problems.append(Problem(self._name, names[0], f"{which}: call the columns as ratchet.yaml names them"))
        return problems


def _of(known: Mapping[str, Column], feature: str) -> Column:
    try:
        return known[feature]
    except KeyError as error:
        message = f"the version needs the feature {feature}, which ratchet.yaml does not have: score by one that was made since"
        raise DataError(message) from error
