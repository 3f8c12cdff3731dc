"""Alembic runs this file, under the name `env_py`, when tables have to be changed."""

from __future__ import annotations

from alembic import context

from ratchet.clients.migrations import run

if __name__ == "env_py":  # an import from elsewhere does nothing
    run(context)
