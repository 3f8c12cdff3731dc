"""`python -m pipelines` is `ratchet`."""

from ratchet.apps.cli.main import main

main()
