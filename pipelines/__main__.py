"""`python -m pipelines` is `ratchet`."""

from pipelines.cli import main

main()
