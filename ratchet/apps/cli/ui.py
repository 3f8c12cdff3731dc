"""`ratchet ui`."""

from __future__ import annotations

from typing import Annotated

import typer

from ratchet.apps.cli.console import complain, err, line, waiting
from ratchet.apps.ui.settings import load_ui_settings
from ratchet.wiring import Wiring


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog="Examples: ratchet ui; RATCHET_UI_TOKEN=$(openssl rand -hex 24) ratchet ui --port 8080")(ui)


def ui(
    host: Annotated[str | None, typer.Option(help="Address to listen on (RATCHET_UI_HOST).")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on (RATCHET_UI_PORT).")] = None,
) -> None:
    """Show who serves, why and how well, as web pages. With RATCHET_UI_TOKEN people can sign in to approve and roll back."""
    from ratchet.apps.ui.server import listen, serve  # noqa: PLC0415 - other commands do without uvicorn and Starlette

    given = {"host": host, "port": port}
    settings = load_ui_settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    wiring = Wiring.load()
    listening = listen(settings)
    with waiting("importing the registry's client"):
        _ = wiring.registry  # seconds, once: the first visitor shall not wait for it
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    acting = "who has the token can act" if settings.token.get_secret_value() else "read-only without RATCHET_UI_TOKEN"
    err.print(f"http://{shown}:{settings.port}   {acting}   Ctrl-C stops", markup=False, soft_wrap=True)
    serve(wiring, settings, listening, line, complain)
