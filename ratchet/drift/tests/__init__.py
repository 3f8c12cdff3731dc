"""The tests that a feature is compared by, one file each; catalogue.py has the list."""
