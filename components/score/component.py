"""KFP shell of the score step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def score(rows: str, out: str, scores: dsl.Output[dsl.Artifact], version: int = 0) -> None:
    """Score a stored snapshot (or the `latest`), into a file on S3 or a table; by a version, else by the one in production."""
    from datetime import UTC, datetime

    from components.shell import Wiring, attempt, hand_on, say
    from ratchet.steps import score as use_case

    def body(w: Wiring) -> None:
        source, target = w.rows_in(rows, datetime.now(UTC).date()), w.scores_to(out)
        stores = (w.project, w.registry, w.journal, source, target)
        hand_on(scores, use_case.run(*stores, version=version or None, say=say).facts)

    attempt("score", body)
