"""What a library said, without the passwords of the addresses it was given: for sentences, logs and traces.

Libraries repeat what they were called with. So whatever of theirs is shown goes through here, where the secrets of the address in
question and all that the environment holds are taken out of it.
"""

from __future__ import annotations

import logging
import os
import re
import traceback
from collections.abc import Mapping

from ratchet.core.address import secrets_in, without

_ADDRESS = re.compile(r"(URL|URI|PROXY|ENDPOINT|DSN|DATA)(_\w+)?$", re.IGNORECASE)
_SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN|SECRET_ACCESS_KEY|API_?KEY|LEDGER_KEY)$", re.IGNORECASE)
_MOST = 200  # characters of a cause
_LEAST = 6  # characters of a secret that stands for itself


def scrubbed(text: str, *addresses: str) -> str:
    """The text without the secrets of these addresses and of the environment's."""
    secrets = {secret for address in addresses for secret in secrets_in(address)}
    return without(text, secrets | _of(os.environ))


def cause_of(error: BaseException, *addresses: str) -> str:
    """Why, in one line: what the system said where a library only wraps it, else the error's first line."""
    chain: list[BaseException] = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None and inner not in chain:
        chain.append(inner)
    said = [link.strerror for link in chain if isinstance(link, OSError) and link.strerror]
    if said:
        return scrubbed(said[-1], *addresses)
    lines = str(getattr(error, "message", None) or getattr(error, "orig", None) or error).strip().splitlines()
    return scrubbed(lines[0].split(". ")[0], *addresses)[:_MOST] if lines else type(error).__name__


def trace_of(error: BaseException) -> str:
    """As `traceback.format_exception`; frames have no values in them, messages may."""
    parts: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        own = "".join(traceback.format_exception_only(link))
        parts.append(f"Traceback (most recent call last):\n{''.join(traceback.format_tb(link.__traceback__))}{scrubbed(own)}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\nThis led to the next one:\n\n".join(reversed(parts))


class ScrubbingFormatter(logging.Formatter):
    """For handlers of ours: libraries log through them, too."""

    def format(self, record: logging.LogRecord) -> str:
        """As logging.Formatter."""
        return scrubbed(super().format(record))


def log_to(handler: logging.Handler, level: int) -> None:
    """As `logging.basicConfig` with that one handler, its lines scrubbed."""
    handler.setFormatter(ScrubbingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def _of(environment: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    for name, value in environment.items():
        if _ADDRESS.search(name):
            found |= secrets_in(value)
        elif _SECRET.search(name) and len(value) >= _LEAST:
            found.add(value)
    return found
