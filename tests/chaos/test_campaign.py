"""`make test-chaos`: trouble at random moments of a seed. In each test the counts are kept and printed at the end."""

from __future__ import annotations

import resource
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing, suppress

import pytest

from tests.chaos.campaign import Counts, Site, asked, rounds
from tests.chaos.stores import database
from tests.support.club import files

pytestmark = pytest.mark.timeout(1500)


def test_a_promoter_killed_at_any_moment_costs_no_request(site: Site, counts: Counts) -> None:
    struck = 0
    with asked(site) as client:
        for after in rounds(site.random, 8):
            struck += site.strike(after, signal.SIGKILL, "rollback", "--reason", "campaign")
            site.assert_whole()
    counts(f"promoter killed {struck} times: {dict(client.outcomes)}")
    assert set(client.outcomes) == {"200"}


def test_a_run_killed_or_interrupted_at_any_moment_costs_no_request_and_runs_again(site: Site, counts: Counts) -> None:
    struck, data = 0, str(site.club.raw)
    with asked(site) as client:
        for after in rounds(site.random, 30):
            what = signal.SIGINT if struck % 2 else signal.SIGKILL
            struck += site.strike(after, what, "run", "--data", data, "--snapshot", "month_001", "--force")
            site.assert_whole()
        again = site.club.process("run", "--data", data, "--snapshot", "month_001")
    counts(f"run killed {struck} times: {dict(client.outcomes)}")
    assert again.code == 0, again.err
    assert set(client.outcomes) == {"200"}


def test_an_ingest_killed_at_any_moment_leaves_nothing_half(site: Site, counts: Counts) -> None:
    struck, data, folder = 0, str(site.club.raw), site.club.home / "snapshots"
    for after in rounds(site.random, 6):
        struck += site.strike(after, signal.SIGKILL, "data", "ingest", data, "month_002")
        again = site.club.process("data", "ingest", data, "month_002")
        assert again.code == 0, again.err
        assert not [name for name in files(folder) if "/." in name or name.startswith(".")], "left-overs of the killed one"
        replaced = site.club.process("data", "ingest", data, "month_002", "--replace")
        assert replaced.code == 0, replaced.err
    site.assert_whole()
    counts(f"ingest killed {struck} times")


def test_a_killed_serving_process_is_back_and_only_its_own_requests_are_lost(site: Site, counts: Counts) -> None:
    killed = 0
    with asked(site) as client:
        for _ in rounds(site.random, 1):
            killed += site.kill_pods()
            site.wait_until_ready()
    site.assert_whole()
    counts(f"serving process killed {killed} times: {dict(client.outcomes)}")
    assert set(client.outcomes) <= {"200", "502", "503"}, "a client hears that nothing serves, and is not cut off"


def test_a_gateway_killed_in_a_rollback_leaves_what_reconcile_mends(site: Site, counts: Counts) -> None:
    killed = 0
    for after in rounds(site.random, 6):
        with site.club.start("rollback", "--reason", "campaign") as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(after)
            site.kill_gateway()
            killed += 1
            process.communicate(timeout=200)
        site.serve()
        site.assert_whole()
    counts(f"gateway killed {killed} times in a rollback")


def test_a_locked_ledger_is_one_sentence_and_requests_go_on(site: Site, counts: Counts) -> None:
    before = site.champion
    with asked(site) as client, closing(sqlite3.connect(database(site, "ledger"), isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        refused = site.club.process("rollback", "--reason", "campaign")
        held.execute("ROLLBACK")
    counts(f"ledger locked: `{refused.error}`: {dict(client.outcomes)}")
    assert refused.code != 0
    assert "locked" in refused.error
    assert set(client.outcomes) == {"200"}
    site.assert_whole()
    assert site.champion == before


def test_a_full_disk_is_one_sentence_and_leaves_the_snapshots_as_they_were(site: Site, counts: Counts) -> None:
    folder, data = site.club.home / "snapshots", str(site.club.raw)
    stored = files(folder)
    generated = site.club.process("data", "generate", data, "--snapshot", "month_003", "--users", "2000")
    assert generated.code == 0, generated.err
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, hard))  # which a child inherits: each file ends at 16 KiB
    try:
        process = site.club.start("data", "ingest", data, "month_003")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with process:
        _, said = process.communicate(timeout=240)
    counts(f"disk full: `{said.strip()}`")
    assert process.returncode not in {0, None}
    assert len([line for line in said.splitlines() if line.startswith("error: ")]) == 1, said
    assert "Traceback" not in said
    assert files(folder) == stored
    after = site.club.process("data", "ingest", data, "month_003")
    assert after.code == 0, after.err


HOSTILE = {
    "no JSON": b"{",
    "another type": b"[]",
    "deep lists": b"[" * 30_000 + b"]" * 30_000,
    "an integer of 5,000 digits": b'{"member": ' + b"9" * 5_000 + b"}",
    "a number beyond all": b'{"member": 1e999}',
    "a lone surrogate": b'{"member": "\\ud800"}',
    "a NUL": b'{"member": "a\\u0000b"}',
    "invalid UTF-8": b'{"member": "\xff\xfe"}',
    "a script": b'{"member": "U0000001", "<script>alert(1)</script>": 1}',
    "nothing": b"",
}
FRAMES = {
    "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n",
    "a negative length": b"Content-Length: -1\r\n",
    "a length beyond all": b"Content-Length: 18446744073709551616\r\n",
    "length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n",
    "a bare CR": b"X-A: 1\rX-B: 2\r\nContent-Length: 2\r\n",
    "a NUL in a header": b"X-A: 1\x002\r\nContent-Length: 2\r\n",
}


def test_hostile_http_is_refused_by_a_client_error_and_others_are_answered(site: Site, counts: Counts) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    raw = {name: head + b"Content-Length: %d\r\n\r\n" % len(body) + body for name, body in HOSTILE.items()}
    raw |= {name: head + frame + b"\r\n{}" for name, frame in FRAMES.items()}
    with asked(site) as client:
        statuses = {name: talk(site.club.port, request) for name, request in raw.items()}
    counts(f"hostile HTTP: {len(statuses)} requests, {sorted(set(statuses.values()))}; others {dict(client.outcomes)}")
    assert {name: status for name, status in statuses.items() if not 400 <= status < 500} == {}
    assert set(client.outcomes) == {"200"}


def talk(port: int, request: bytes) -> int:
    """The status of the answer; 400 where the connection was closed without one, which a broken frame may be answered by."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)
    return int(answer.split(b" ", 2)[1]) if answer else 400
