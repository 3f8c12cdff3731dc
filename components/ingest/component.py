"""KFP shell of the ingest step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)  # the image has kfp: no pip at start
def ingest(data: str, snapshot: str, replace: bool) -> str:
    """Take the snapshot in; returns its id. An empty `data` means that it was ingested before."""
    from components.ingest import step as use_case
    from components.protocol.reconcile import reconcile
    from components.protocol.world import open_move
    from components.wiring import say, step

    with step("ingest") as wiring:
        if open_move(wiring.ledger) is not None:  # a dead promoter's move is ended before anything else
            for done in reconcile(wiring.world):
                say(f"[RECONCILE] {done}")
        source = wiring.source(data) if data else None
        taken = use_case.run(source, wiring.store, wiring.features, wiring.ledger, snapshot, replace=replace)
        return taken.id
