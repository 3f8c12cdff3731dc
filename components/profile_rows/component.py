"""KFP shell of the profile_rows step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def profile_rows(dataset: dsl.Input[dsl.Dataset], rows: str) -> None:
    """Count some rows of the snapshot for drift_check, which merges the counts."""
    from components.shell import Wiring, attempt
    from ratchet.steps import profile_rows as use_case

    def body(w: Wiring) -> None:
        snapshot = w.store.get(dataset.metadata["snapshot"])
        use_case.run(w.project, w.store, w.registry, w.journal, w.reports, snapshot, rows)

    attempt("profile_rows", body)
