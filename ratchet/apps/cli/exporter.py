"""`ratchet exporter`."""

from __future__ import annotations

from typing import Annotated

import typer

from ratchet.apps.cli.console import complain, line
from ratchet.wiring import Wiring

_PORT = 9108


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog="Examples: ratchet exporter &; ratchet exporter --host 0.0.0.0 --port 9108 --interval 60")(exporter)


def exporter(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = _PORT,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at ledger, registry and pods.")] = 15.0,
) -> None:
    """Tell Prometheus what is in production, why, and whether it is still good: /metrics of ledger, registry, request log and pods.

    A store that is away is `ratchet_up{source="..."} 0`; the others' metrics stay. docs/metrics.md lists all.
    """
    from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415 - other commands do without

    from ratchet.apps.exporter.collector import LastRead  # noqa: PLC0415 - as above
    from ratchet.apps.exporter.server import listen, serve  # noqa: PLC0415 - as above
    from ratchet.apps.exporter.sources import sources  # noqa: PLC0415 - as above

    wiring = Wiring.load()
    wiring.prepare()  # before there are threads
    last = LastRead(sources(wiring), wiring.project, interval, lambda trouble: complain(f"error: {trouble}"))
    registry = CollectorRegistry()
    registry.register(last)
    ProcessCollector(registry=registry)
    serve(registry, listen(host, port), host)
    line(f"[EXPORTER] http://{host}:{port}/metrics, a look every {interval:g} s   Ctrl-C stops")
    last.watch()
    raise typer.Exit(1)  # only a defect ends the watch; its trace stands above
