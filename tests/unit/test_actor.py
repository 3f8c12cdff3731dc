"""Whose name stands in the ledger where nobody has given one."""

from __future__ import annotations

import getpass
import os
import socket

import pytest

from ratchet.settings import Settings


def _nameless() -> str:
    raise KeyError("getpwuid(): uid not found: 65532")


@pytest.mark.parametrize("given", ["", None])
def test_a_user_without_a_name_is_known_by_number_and_pod(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    monkeypatch.setattr(getpass, "getuser", _nameless)
    monkeypatch.delenv("RATCHET_ACTOR", raising=False)
    if given is not None:
        monkeypatch.setenv("RATCHET_ACTOR", given)
    assert Settings().actor == f"user {os.getuid()} on {socket.gethostname()}"
