"""One vendor SDK a file, each behind a protocol of core/ports.py."""
