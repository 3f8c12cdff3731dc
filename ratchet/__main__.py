"""`python -m ratchet` is `ratchet`."""

from ratchet.apps.cli.main import main

if __name__ == "__main__":
    main()
