"""Addresses as people write them: each holds the words `hush` and `sesame` where a password is, and nowhere else."""

from __future__ import annotations

WORDS = ("hush", "sesame")
WELL = "{s}://user:hush-sesame@127.0.0.1:9/db"
SLOPPY = {
    "well-formed": WELL,
    "no scheme": "user:hush-sesame@127.0.0.1:9/db",
    "one slash": "{s}:/user:hush-sesame@127.0.0.1:9/db",
    "no colon": "{s}//user:hush-sesame@127.0.0.1:9/db",
    "slashes alone": "//user:hush-sesame@127.0.0.1:9/db",
    "empty scheme": "://user:hush-sesame@127.0.0.1:9/db",
    "two schemes": "{s}://{s}://user:hush-sesame@127.0.0.1:9/db",
    "jdbc": "jdbc:{s}://127.0.0.1:9/db?user=u&password=hush-sesame",
    "scheme in capitals": "HTTPX://user:hush-sesame@127.0.0.1:9/db",
    "unknown scheme": "gopher://user:hush-sesame@127.0.0.1:9/db",
    "unknown driver": "{s}+nodriver://user:hush-sesame@127.0.0.1:9/db",
    "variable and all": "RATCHET_LEDGER_URL={s}://user:hush-sesame@127.0.0.1:9/db",
    "in quotes": '"{s}://user:hush-sesame@127.0.0.1:9/db"',
    "blank before": " {s}://user:hush-sesame@127.0.0.1:9/db",
    "line break after": "{s}://user:hush-sesame@127.0.0.1:9/db\n",
    "line break inside": "{s}://user:hush-\nsesame@127.0.0.1:9/db",
    "tab inside": "{s}://user:hush\tsesame@127.0.0.1:9/db",
    "an @": "{s}://user:hush@sesame@127.0.0.1:9/db",
    "two @": "{s}://user:hush@x@sesame@127.0.0.1:9/db",
    "an @ and a slash": "{s}://user:hush@x/sesame@127.0.0.1:9/db",
    "an @ and a question mark": "{s}://user:hush@x?sesame@127.0.0.1:9/db",
    "an @ and a hash": "{s}://user:hush@x#sesame@127.0.0.1:9/db",
    "an @ and a colon": "{s}://user:hush@x:sesame@127.0.0.1:9/db",
    "a slash": "{s}://user:hush/sesame@127.0.0.1:9/db",
    "a question mark": "{s}://user:hush?sesame@127.0.0.1:9/db",
    "a hash": "{s}://user:hush#sesame@127.0.0.1:9/db",
    "a colon": "{s}://user:hush:sesame@127.0.0.1:9/db",
    "a percent sign": "{s}://user:hush%sesame@127.0.0.1:9/db",
    "escaped": "{s}://user:hush%40sesame@127.0.0.1:9/db",
    "escaped twice": "{s}://user:hush%2540sesame@127.0.0.1:9/db",
    "a blank": "{s}://user:hush sesame@127.0.0.1:9/db",
    "a backslash": "{s}://user:hush\\sesame@127.0.0.1:9/db",
    "brackets": "{s}://user:hush[sesame]@127.0.0.1:9/db",
    "unicode": "{s}://user:hush-é-ß-sesame@127.0.0.1:9/db",
    "a slash in the user": "{s}://us/er:hush-sesame@127.0.0.1:9/db",
    "password alone": "{s}://:hush-sesame@127.0.0.1:9/db",
    "token for a user": "{s}://hush-sesame@127.0.0.1:9/db",
    "nothing behind the @": "{s}://user:hush-sesame@",
    "no host": "{s}://user:hush-sesame@/db",
    "no @": "{s}://user:hush-sesame",
    "no @, but a path": "{s}://user:hush-sesame/db",
    "port is a word": "{s}://user:hush-sesame@127.0.0.1:port/db",
    "port is the password": "{s}://127.0.0.1:hush-sesame/db",
    "port too large": "{s}://user:hush-sesame@127.0.0.1:99999/db",
    "two ports": "{s}://user:hush-sesame@127.0.0.1:9:9/db",
    "host and user changed": "{s}://127.0.0.1:9@user:hush-sesame/db",
    "half an IPv6 address": "{s}://user:hush-sesame@[::1/db",
    "a blank in the host": "{s}://user:hush-sesame@127.0.0.1 9/db",
    "in the query": "{s}://127.0.0.1:9/db?user=u&password=hush-sesame",
    "in the query, with an @": "{s}://127.0.0.1:9/db?user=u&password=hush@sesame",
    "in the query, as a token": "{s}://127.0.0.1:9/db?access_token=hush-sesame",
    "in both": "{s}://user:hush-sesame@127.0.0.1:9/db?sslpassword=hush-sesame",
    "an @ behind a hash": "{s}://user:hush-sesame@127.0.0.1:9/db#x@y",
    "libpq's words": "host=127.0.0.1 port=9 user=u password=hush-sesame dbname=d",
    "libpq's words in quotes": "password='hush sesame' host=127.0.0.1 port=9",
    "ADO's words": "Server=127.0.0.1;User Id=u;Password=hush-sesame;",
}


def address(form: str, scheme: str) -> str:
    return SLOPPY[form].replace("{s}", scheme)


def told(text: str) -> list[str]:
    """The words of a password that stand in it."""
    return [word for word in WORDS if word in text.lower()]
