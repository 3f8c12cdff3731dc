"""Evidently's page, shut: what data says in it is text, and only the page's own scripts run.

Evidently writes its figures as JSON between <script> and </script>, where a category that is called `</script><script>…` ends the
one and begins another. JSON lets `<` be written as an escape; and a policy in the file itself names each script by its digest, so
that nothing else runs wherever the file is opened, handlers in attributes included.
"""

from __future__ import annotations

import base64
import hashlib
import re

_DATA = re.compile(r"^ *var (?:additional_graphs_)?\w+ = [\[{\"].*;$")  # json.dumps writes one line, so a string cannot make one
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ANY_SCRIPT = re.compile(r"<script", re.IGNORECASE)
_HEAD = re.compile(r"<meta charset=\"utf-8\"/?>", re.IGNORECASE)
_POLICY = '<meta http-equiv="Content-Security-Policy" content="'
_REST = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_DRAWN = "; font-src data:; worker-src blob:"
_EVAL = "'unsafe-eval'"  # Evidently's charts compile their drawing


def contained(page: str) -> str:
    """The page with its data escaped and its policy; one that has a policy already is left as it is.

    A page with scripts and without a head that we know gets a policy in front by which none of them runs.
    """
    head = _HEAD.search(page)
    if head is None:
        return page if page.startswith(_POLICY) or not _ANY_SCRIPT.search(page) else f'{_POLICY}{_REST}">{page}'
    if page.startswith(_POLICY, head.end()):
        return page
    safe = "\n".join(line.replace("<", "\\u003c") if _DATA.match(line) else line for line in page.split("\n"))
    end = head.end()  # the data comes after it
    return f'{safe[:end]}{_POLICY}{_REST}{_scripts(safe)}">{safe[end:]}'


def _scripts(page: str) -> str:
    found = _SCRIPT.findall(page)
    if not found or len(found) != len(_ANY_SCRIPT.findall(_SCRIPT.sub("<script></script>", page))):
        return ""
    return f"; script-src {' '.join(map(_digest, found))} {_EVAL}{_DRAWN}"


def _digest(script: str) -> str:
    """As CSP Level 3, 6.7.3.3 has it, of the text with the newlines that a parser makes of any."""
    text = script.replace("\r\n", "\n").replace("\r", "\n")
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
