"""Two kinds of import contract that import-linter does not have: an allow-list, and rooms with doors."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules

Imports = list[tuple[str, str]]
_STANDARD = sys.stdlib_module_names | {"_typeshed"}  # type checkers' own part of it


class _Listed(Contract):
    """A contract whose breaches are single imports."""

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["imports"]:
            output.print_error(f"{importer} imports {imported}", bold=False)

    def _checked(self, found: Imports) -> ContractCheck:
        return ContractCheck(kept=not found, metadata={"imports": sorted(found)})


class AllowList(_Listed):
    """Modules import the standard library, themselves and what is allowed, and nothing else.

    Options:
        modules: packages, with all that is in them.
        allowed: packages that they may import.
    """

    type_name = "allow_list"
    modules: Any = fields.ListField(subfield=fields.ModuleExpressionField())
    allowed: Any = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - import-linter's signature
        found: Imports = []
        for module in module_expressions_to_modules(graph, self.modules):
            own = {module.name, *graph.find_descendants(module.name)}
            for importer in own:
                found += [
                    (importer, name) for name in graph.find_modules_directly_imported_by(importer) - own if not self._may(name)
                ]
        return self._checked(found)

    def _may(self, name: str) -> bool:
        return name.partition(".")[0] in _STANDARD or _within(name, self.allowed)


class Rooms(_Listed):
    """What is in a room is imported by that room, by whoever builds it, and for the rest through the room's doors.

    So a new adapter is nobody's business from its first line on.

    Options:
        rooms: packages.
        doors: modules of them that others may import: ports, and values that ports speak of.
        builders: who may import anything in any of the rooms.
    """

    type_name = "rooms"
    rooms: Any = fields.ListField(subfield=fields.ModuleExpressionField())
    doors: Any = fields.ListField(subfield=fields.ModuleExpressionField())
    builders: Any = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - import-linter's signature
        doors = [module.name for module in module_expressions_to_modules(graph, self.doors)]
        found: Imports = []
        for room in (module.name for module in module_expressions_to_modules(graph, self.rooms)):
            inside = {room, *graph.find_descendants(room)}
            for name in (name for name in inside if not _within(name, doors)):
                importers = graph.find_modules_that_directly_import(name) - inside
                found += [(importer, name) for importer in importers if not _within(importer, self.builders)]
        return self._checked(found)


def _within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
