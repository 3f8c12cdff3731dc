"""KFP shell of the ingest step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)  # the image has kfp: no pip at start
def ingest(data: str, snapshot: str, replace: bool) -> str:
    """Take the snapshot in; returns its id. An empty `data` means that it was ingested before."""
    from pathlib import Path

    from components.ingest import step as use_case
    from components.wiring import step

    with step("ingest") as wiring:
        source = wiring.source(Path(data)) if data else None
        taken = use_case.run(source, wiring.store, wiring.features, wiring.ledger, snapshot, replace=replace)
        return taken.id
