"""Rows to score that are named by an address of no database."""

from __future__ import annotations

from ratchet.core.errors import UserError

_STORES = {
    *("s3", "s3a", "s3n", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "wasb", "wasbs", "oss", "cos"),
    *("hdfs", "webhdfs", "dbfs", "http", "https", "ftp", "ftps", "sftp", "scp"),
}


def refuse_file_elsewhere(place: str) -> None:
    """Raise UserError where an address names a file: by address databases alone are read. No more than its scheme is repeated."""
    scheme, separator, _ = place.partition("://")
    scheme = scheme.lower()
    if separator and scheme == "file":
        message = "file:// is no database: name the file by its path"
        raise UserError(message)
    if separator and scheme in _STORES:
        message = (
            f"{scheme}:// is no database, and rows to score are not read from there: download the file and name it by its path, or "
            "ingest it as a snapshot (`ratchet data ingest`) and name that"
        )
        raise UserError(message)
