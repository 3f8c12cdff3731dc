from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from ratchet.reports.html.contained import contained

HOSTILE = "</script><script>document.title = 'taken over'</script><img src=x onerror=alert(1)>"


def evidentlys(value: str) -> str:
    data = json.dumps({"name": "Report", "widgets": [{"title": value}]})
    return f"""
    <!DOCTYPE html>
    <html lang="en">
    <head>
        <meta charset="UTF-8">
        <script>
    var metric_1 = {data};
    var additional_graphs_metric_1 = {json.dumps({value: value})};
</script>
    </head>
    <body>
    <script>var global = globalThis</script>
    <script>if (1 < 2) {{ draw("a < b") }}</script>
    </body>
    </html>
"""


def policy(page: str) -> str:
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert found
    return found[1]


def test_a_category_that_ends_the_script_stays_a_category() -> None:
    page = contained(evidentlys(HOSTILE))
    assert HOSTILE not in page
    assert page.count("<script") == 3
    line = next(line for line in page.split("\n") if line.strip().startswith("var metric_1"))
    assert json.loads(line.partition(" = ")[2].removesuffix(";"))["widgets"][0]["title"] == HOSTILE
    assert 'draw("a < b")' in page  # the programs are left as they are


def test_only_the_scripts_of_the_page_may_run_by_their_digests() -> None:
    page = contained(evidentlys("basic"))
    for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy(page)
    script_src = policy(page).partition("script-src")[2].partition(";")[0]
    assert (script_src.count("sha256-"), "unsafe-inline" in script_src) == (3, False)
    assert policy(page).startswith("default-src 'none'")
    assert page.index("Content-Security-Policy") < page.index("<script")


def test_a_page_that_is_shut_stays_as_it_is() -> None:
    page = contained(evidentlys(HOSTILE))
    assert contained(page) == page
    assert contained("<p>no script</p>") == "<p>no script</p>"


@pytest.mark.parametrize(
    "page",
    [
        "<html><script>alert(1)</script></html>",
        '<html><meta charset="utf-8"><script src="https://evil.example/x.js"></script></html>',
        '<html><meta charset="utf-8"><body><h1>all columns are empty</h1></body></html>',
    ],
)
def test_scripts_of_a_page_that_is_not_as_we_know_it_do_not_run(page: str) -> None:
    shut = contained(page)
    assert "script-src" not in policy(shut)
    assert policy(shut).startswith("default-src 'none'")
    assert contained(shut) == shut
