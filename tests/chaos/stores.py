"""Where a site's stores keep what they keep."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.campaign import Site


def database(site: Site, name: str) -> Path:
    """The SQLite file of a store."""
    url = str(getattr(site.club.wiring.settings, f"{name}_url"))
    return Path(url.removeprefix("sqlite:///"))
