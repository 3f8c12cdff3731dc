"""Databases as release 0.1 left them: the ledger of its demo (`ratchet demo`) and some answers of its request log."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine

DATA = Path(__file__).resolve().parents[1] / "data" / "release_0_1"
MODEL = "streamflow_churn"
PROJECT_HASH = "5617b18aaf573d0ef992cc900a527fc6d7b692c6ad37cf434216b21d1e168a0a"  # that its gate compared under
PROMOTED, DIGEST = 2, "c1f985df4d04c1d155d910228d83f3998238832d57487dd221db32bda52b55b3"  # the last version that a gate passed
HEAD = 19  # the ledger's last record


def fill(url: str, *stores: str) -> None:
    """Make the tables of `ledger`, `requests` or both, with what they held."""
    engine = create_engine(url)
    names = list(stores)
    if "ledger" in stores:
        names.append(f"ledger_guard_{engine.dialect.name}")
    connection = engine.raw_connection()
    try:
        for name in names:
            script = (DATA / f"{name}.sql").read_text(encoding="utf-8")
            if engine.dialect.name == "sqlite":
                connection.driver_connection.executescript(script)  # type: ignore[union-attr]  # as sqlite3 has it
            else:
                connection.cursor().execute(script)
        connection.commit()
    finally:
        connection.close()
        engine.dispose()
