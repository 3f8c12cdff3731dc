"""The templates of the reports, all of which escape what they are given."""

from __future__ import annotations

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined, Template

from ratchet.reports.html.text import figure, signed


@cache
def template(name: str, task_package: str) -> Template:
    """A report's template; what it imports as `task/` are those of the task's package."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("ratchet.reports.html"), PrefixLoader({"task": PackageLoader(task_package)})]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=figure, signed=signed)
    return environment.get_template(name)
