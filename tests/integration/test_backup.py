"""The restore drill: what the chart's pods run, on a PostgreSQL and an S3 store (versitygw) of this machine."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator

import pytest

from cluster.images import ROOT
from ratchet.core.decision import Verdict
from ratchet.core.errors import LedgerError, UserError
from ratchet.core.events import Gated
from ratchet.ledger.anchor_file import AnchorFile, KeyText
from ratchet.ledger.journal import Journal
from ratchet.ledger.seal import Seal
from ratchet.ledger.sql import SqlLedger
from tests.cluster.rendering import found_helm, one, pods, rendered
from tests.support.platform_site import FILES, Site, running

SCHEDULE = "backup.schedule=0 1 * * *"


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as found:
        yield found


def test_what_was_lost_and_what_was_spoiled_comes_back(site: Site) -> None:
    for database in ("mlflow", "ratchet"):
        site.sql(database, f"CREATE TABLE records (name text); ALTER TABLE records OWNER TO {database}")
        site.sql(database, "INSERT INTO records SELECT current_database()")
    site.sql("postgres", "CREATE ROLE auditor NOLOGIN")
    site.sql("ratchet", "GRANT SELECT ON records TO auditor")
    site.bucket.put_object(Key="snapshots/2026-01 é.parquet", Body=b"rows" * 1000)
    site.bucket.put_object(Key="mlflow/model", Body=b"m")
    name = site.back_up()
    before = site.objects()

    site.sql("ratchet", "INSERT INTO records VALUES ('later')")
    site.sql("mlflow", "DROP TABLE records")
    site.sql("ratchet", "REVOKE SELECT ON records FROM auditor")
    site.sql("postgres", "DROP ROLE auditor")
    site.bucket.put_object(Key="mlflow/model", Body=b"spoiled")
    site.bucket.Object("snapshots/2026-01 é.parquet").delete()
    site.bucket.put_object(Key="snapshots/later", Body=b"later")

    said = site.restore(name)
    assert "2 objects restored" in said
    assert "mlflow: restored" in said
    for database in ("mlflow", "ratchet"):
        assert site.sql(database, "SELECT name FROM records") == [(database,)]
        assert site.sql(database, "SELECT tableowner FROM pg_tables WHERE tablename = 'records'") == [(database,)]
    assert site.sql("ratchet", "SELECT has_table_privilege('auditor', 'records', 'SELECT')") == [(True,)]
    assert site.objects() == {**before, "snapshots/later": b"later"}


def test_a_restored_ledger_stops_every_act_until_its_head_is_taken_as_it_stands(site: Site) -> None:
    seal = Seal("m", KeyText("k" * 32, "a variable"), AnchorFile(site.folder / "head.json"), lambda _: None)
    url = f"postgresql+psycopg://ratchet:secret@127.0.0.1:{site.port}/ratchet"

    def journal() -> Journal:
        return Journal(SqlLedger(url, "ann", "m", secret=seal.secret), "m", (), seal)

    def gated(candidate: int) -> Gated:
        return Gated(snapshot="s", candidate=candidate, champion=1, verdict=Verdict.FAIL, reasons=("worse",), decisive=("worse",))

    journal().append(gated(2))
    name = site.back_up()
    journal().append(gated(3))
    site.restore(name)
    with pytest.raises(LedgerError, match="has no record 2, which was published at"):
        journal().trusted()
    assert journal().anchor().seq == 1
    assert len(journal().trusted().entries) == 1
    journal().append(gated(4))  # the triggers and the rights came back too
    assert len(journal().trusted().entries) == 2


@pytest.mark.parametrize("page", ["README.md", "charts/platform/README.md"])
def test_the_written_restore_looks_at_the_ledger_and_anchors_it_before_anything_acts(page: str) -> None:
    told = (ROOT / page).read_text(encoding="utf-8").split("```sh\n")
    (block,) = [text.partition("```")[0] for text in told if "ratchet reconcile" in text.partition("```")[0]]
    acts = [line.rpartition("-- ratchet ")[2].split()[0] for line in block.splitlines() if "-- ratchet " in line]
    assert acts[:3] == ["history", "anchor", "reconcile"]


def test_nobody_writes_while_the_written_restore_goes_on() -> None:
    told = (ROOT / "charts/platform/README.md").read_text(encoding="utf-8")
    steps = [
        '"suspend":true',
        "--replicas=0",
        "backup.restore=",
        "wait --for=condition=complete",
        "--replicas=1",
        '"suspend":false',
    ]
    assert [told.count(step) for step in steps] == [1] * len(steps)
    assert sorted(steps, key=told.index) == steps


def test_an_object_that_did_not_change_is_stored_once_and_the_oldest_backups_go(site: Site) -> None:
    site.bucket.put_object(Key="a", Body=b"first")
    names = [site.back_up()]
    site.bucket.put_object(Key="b", Body=b"second")
    names += [site.back_up(), site.back_up()]
    folder = site.folder / "backups"
    assert sorted(path.name for path in folder.iterdir()) == names[1:]
    assert len({path.stat().st_ino for path in folder.glob("*/objects/*")}) == 2
    site.bucket.Object("a").delete()
    site.restore(names[-1])
    assert site.objects() == {"a": b"first", "b": b"second"}


def test_a_backup_that_is_not_there_or_is_damaged_changes_nothing(site: Site) -> None:
    site.bucket.put_object(Key="a", Body=b"first")
    name = site.back_up()
    assert f"there is no backup 20200101T000000Z: {name}" in site.restore("20200101T000000Z", code=1)
    (kept,) = (site.folder / "backups" / name / "objects").iterdir()
    kept.write_bytes(b"")
    site.bucket.put_object(Key="a", Body=b"newer")
    assert "a has 0 bytes and had 5: the backup is damaged" in site.restore(name, code=1)
    assert site.objects() == {"a": b"newer"}
    (site.folder / "backups" / ".new").mkdir()
    said = site.run(sys.executable, "-P", FILES / "objects.py", "save", code=1)
    assert "PostgreSQL is dumped first" in said


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")
def test_with_a_certificate_postgresql_speaks_tls_to_those_who_ask_for_it() -> None:
    with running(tls=True) as site:
        assert site.sql("ratchet", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]
        site.run("sh", FILES / "dump.sh")


@pytest.mark.parametrize(
    ("values", "secret"),
    [
        (["postgres.tls.issuer.name=our-ca", "postgres.tls.issuer.kind=ClusterIssuer"], "platform-postgres-tls"),
        (["postgres.tls.existingSecret=ours"], "ours"),
    ],
)
def test_all_that_the_chart_connects_asks_for_tls_where_there_is_a_certificate(values: list[str], secret: str) -> None:
    helm = found_helm()
    if helm is None:
        pytest.skip("helm is missing")
    documents = rendered(helm, "platform", SCHEDULE, *values)
    volumes = one(documents, "StatefulSet", "platform-postgres")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "tls", "secret": {"secretName": secret, "defaultMode": 0o440}} in volumes
    for use in ("", "-promoter", "-serving", "-reader"):
        connections = one(documents, "Secret", f"ratchet-connections{use}")["stringData"]
        urls = [value for value in connections.values() if value.startswith("postgresql")]
        assert urls
        assert all(url.endswith("?sslmode=require") for url in urls)
    asked = str([spec for _, spec in pods(documents)])
    assert "5432/mlflow?sslmode=require" in asked
    assert "{'name': 'PGSSLMODE', 'value': 'require'}" in asked
    made = [item["spec"] for item in documents if item["kind"] == "Certificate"]
    assert [item["secretName"] for item in made] == ([secret] if "issuer" in values[0] else [])
    assert all("platform-postgres.ratchet.svc" in item["dnsNames"] for item in made)
    plain = rendered(helm, "platform")
    assert "sslmode" not in one(plain, "Secret", "ratchet-connections")["stringData"]["RATCHET_LEDGER_URL"]


def test_the_pods_dump_postgresql_before_s3_and_restore_s3_before_postgresql() -> None:
    helm = found_helm()
    if helm is None:
        pytest.skip("helm is missing")
    assert "platform-backup" not in str(sorted(item["metadata"]["name"] for item in rendered(helm, "platform")))
    documents = rendered(helm, "platform", SCHEDULE, "backup.restore=20260101T000000Z")
    found = {name: spec for name, spec in pods(documents) if "backup" in name}
    order = {
        name: [" ".join([*box["command"], *box.get("args", [])]) for box in [*spec["initContainers"], *spec["containers"]]]
        for name, spec in found.items()
    }
    assert order == {
        "CronJob platform-backup": ["sh /etc/backup/dump.sh", "python -P /etc/backup/objects.py save"],
        "Job platform-backup-restore-20260101t000000z": [
            "python -P /etc/backup/objects.py restore 20260101T000000Z",
            "sh /etc/backup/restore.sh",
        ],
    }
    (dump,) = found["CronJob platform-backup"]["initContainers"]
    assert {"name": "DATABASES", "value": "ratchet mlflow"} in dump["env"]  # a version that the ledger names is in the copy
    assert one(documents, "ConfigMap", "platform-backup")["data"]["dump.sh"] == (FILES / "dump.sh").read_text(encoding="utf-8")
    with pytest.raises(UserError, match="back your own database up by its own means"):
        rendered(helm, "platform", SCHEDULE, "postgres.enabled=false", "mlflow.databaseSecret=mine", "connections.create=false")


@pytest.mark.parametrize("release", ["platform", "p" * 53])
def test_each_restore_is_a_job_of_its_own_whose_programs_are_there(release: str) -> None:
    helm = found_helm()
    if helm is None:
        pytest.skip("helm is missing")
    names = set()
    for backup in ("20260101T000000Z", "20260102T000000Z"):
        documents = rendered(helm, "platform", f"backup.restore={backup}", "backup.existingClaim=old", release=release)
        (name,) = [item["metadata"]["name"] for item in documents if item["kind"] == "Job"]
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name)
        names.add(name)
    assert len(names) == 2
    # the Job is applied by hand: what it runs comes with the release, also on a new cluster that makes no backups yet
    assert one(rendered(helm, "platform", "backup.existingClaim=old"), "ConfigMap", "platform-backup")["data"]["restore.sh"]
