"""KFP shell of the ingest step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)  # the image has kfp: no pip at start
def ingest(data: str, snapshot: str, replace: bool, dataset: dsl.Output[dsl.Dataset]) -> list[str]:
    """Take the snapshot in; `dataset` says which it is. Returns its groups of rows. Empty `data`: it was ingested before."""
    from components.shell import Wiring, attempt, hand_on
    from ratchet.core.row_groups import label_of, row_groups
    from ratchet.promotion.reconcile import reconcile_first
    from ratchet.steps import ingest as use_case

    def body(w: Wiring) -> list[str]:
        reconcile_first(w.production, only_open=True)  # a dead promoter's move is ended before anything else
        stores = (w.store, w.features, w.journal)
        if data:
            taken = use_case.take(w.source(data, anew=replace), *stores, snapshot, project=w.project, replace=replace)
        else:
            taken = use_case.run(None, *stores, snapshot)
        hand_on(dataset, taken.facts)
        return [label_of(rows) for rows in row_groups(taken.rows, w.settings.rows_per_pod)]

    return attempt("ingest", body)
