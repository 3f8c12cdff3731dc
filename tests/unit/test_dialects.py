"""Separator, quote, encoding and decimal comma are recognised where they are the only reading, and asked for where they are not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ratchet.sources.dialect import Ambiguous, Dialect, recognised
from ratchet.sources.problems import TableError
from ratchet.sources.raw_tables import Told, column_names, read_table, said_of

KNOWN = [
    ("commas", "a,b,c\n1,2,3\n4,5,6\n", ",", '"'),
    ("semicolons", "a;b;c\n1;2;3\n", ";", '"'),
    ("tabs", "a\tb\n1\t2\n", "\t", '"'),
    ("bars", "a|b\n1|2\n", "|", '"'),
    ("semicolons with decimal commas", "id;fee;rate\n1;2,5;0,1\n2;3,5;0,2\n", ";", '"'),
    ("tabs with decimal commas", "id\tfee\n1\t2,5\n2\t3,5\n", "\t", '"'),
    ("commas with lists in a cell", "id,genres\n1,a|b\n2,b|c\n", ",", '"'),
    ("commas with a list in the header's cell", "id,a|b,c\n1,x,2\n2,y,3\n", ",", '"'),
    ("commas with text that has semicolons", 'id,note\n1,"a;b"\n2,"c;d"\n', ",", '"'),
    ("semicolons with text that has commas", "id;note\n1;Smith, John\n2;Doe\n", ";", '"'),
    ("commas in quoted headers", '"id","a, b","c"\n1,2,3\n', ",", '"'),
    ("line breaks in cells", 'id,note\n1,"a\nb;c"\n2,"d"\n', ",", '"'),
    ("doubled quotes", 'id;note\n1;"say ""a,b"""\n2;c\n', ";", '"'),
    ("one column", "id\n1\n2\n", ",", '"'),
    ("a header alone", "id;fee\n", ";", '"'),
    ("Excel's line", "sep=;\nid;a,b\n1;2,3\n", ";", '"'),
    ("single quotes around separators", "id,name\n1,'Smith, John'\n2,'Doe, Jane'\n", ",", "'"),
    ("single quotes around all", "'id';'name'\n'1';'a'\n'2';'b'\n", ";", "'"),
    ("single quotes around a column", "id;name\n1;'a'\n2;'b'\n", ";", "'"),
    ("single quotes around a code among double ones", 'id,code,fee\n"C1",\'A\',"1"\n"C2",\'B\',"2"\n', ",", '"'),
    ("double quotes within single ones", "id,name\n1,'\"Al\" Smith'\n2,'Jo'\n", ",", "'"),
    ("double quotes in the header, single ones in a column", "\"id\",\"code\"\n1,'A'\n2,'B'\n", ",", '"'),
    ("apostrophes", "id,name\n1,O'Brien\n2,'Tis\n", ",", '"'),
    ("old Mac's line ends", "id;name\r1;a\r2;b\r", ";", '"'),
    ("dates and times", "id;at\n1;2024-01-01 10:00:00,5\n2;2024-01-02 11:00:00,1\n", ";", '"'),
    ("a row that is cut", "id,a,b\n1,2,3\n2,3\n", ",", '"'),
]
DOUBTFUL = [
    ("a comma in each cell of two columns", "id;first,last\n1;Smith,John\n2;Doe,Jane\n"),
    ("a list in each cell, and in the header", "id,a|b\n1,x|y\n2,z|w\n"),
]


@pytest.mark.parametrize(("text", "separator", "quote"), [case[1:] for case in KNOWN], ids=[case[0] for case in KNOWN])
def test_a_file_that_can_be_read_in_one_way_is_read_in_it(text: str, separator: str, quote: str) -> None:
    found = recognised(text, whole=True)
    assert (found.separator, found.quote) == (separator, quote)


@pytest.mark.parametrize("text", [case[1] for case in DOUBTFUL], ids=[case[0] for case in DOUBTFUL])
def test_a_file_that_can_be_read_in_two_ways_is_not_guessed(text: str) -> None:
    with pytest.raises(Ambiguous, match=" or "):
        recognised(text, whole=True)
    assert recognised(text, whole=True, separator="|") == Dialect("|")


def test_the_columns_that_are_asked_for_tell_two_readings_apart() -> None:
    text = DOUBTFUL[1][1]
    assert recognised(text, whole=True, wanted=["id", "a|b"]).separator == ","
    assert recognised(text, whole=True, wanted=["id,a", "b"]).separator == "|"


def test_a_sample_that_ends_within_a_row_is_judged_by_its_whole_rows() -> None:
    assert recognised('id,a,b\n1,2,3\n4,"5', whole=False).separator == ","
    assert recognised("id;a;b\n1;2;3\n4;5", whole=False).separator == ";"


def written(folder: Path, text: str | bytes, name: str = "users.csv") -> Path:
    path = folder / name
    content = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def test_decimal_commas_become_points_and_it_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffid;fee;rate;n\n01;1.234,5;1,5;7\n02;;-0,25;8\n03;2;,5;9\n")
    read = read_table(path, "users", ["id", "fee", "rate", "n"], numbers=["fee", "rate", "n"])
    assert read.to_pydict() == {
        "id": ["01", "02", "03"],
        "fee": ["1234.5", None, "2"],
        "rate": ["1.5", "-0.25", ".5"],
        "n": ["7", "8", "9"],
    }
    assert said_of(read) == "users.csv is read as separated by ;, decimal comma in fee, rate"


def test_a_category_with_commas_stays_as_it_is_written(tmp_path: Path) -> None:
    path = written(tmp_path, "id;size\n1;1,5\n2;2,5\n")
    assert read_table(path, "users", ["id", "size"], numbers=[]).column("size").to_pylist() == ["1,5", "2,5"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id;fee\n1;1,234\n2;12,345\n", r"users.fee: '1,234' can be 1.234 or 1234: say `decimal:"),
        ("id;fee;n\n1;1,5;1.234\n2;2,5;12\n", r"users.n: '1.234' can be 1.234 or 1234: say `decimal:"),
    ],
)
def test_a_number_that_can_be_two_is_not_guessed(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(TableError, match=sentence):
        read_table(path, "users", ["id", "fee", "n"], numbers=["fee", "n"])
    told = read_table(path, "users", ["id", "fee", "n"], Told(decimal=","), numbers=["fee", "n"])
    assert "," not in str(told.column("fee").to_pylist()[0])
    assert read_table(path, "users", ["id", "fee"], numbers=None).num_rows == 2


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("cells", [["1.000", "12.000"], ["7", "-1.234"], ["12.000", "?"]])
def test_points_that_can_part_thousands_are_not_guessed(tmp_path: Path, mark: str, cells: list[str]) -> None:
    rows = "".join(f"k{row}{mark}{cell}\n" for row, cell in enumerate(cells))
    path = written(tmp_path, f"id{mark}n\n{rows}")
    with pytest.raises(TableError, match=r"users.n: '-?1[2.].*' can be -?1.* or -?1.*: say `decimal:"):
        read_table(path, "users", ["id", "n"], numbers=["n"])
    told = {sign: read_table(path, "users", ["id", "n"], Told(decimal=sign), numbers=["n"]) for sign in ".,"}
    assert told["."].column("n").to_pylist() == cells
    assert told[","].column("n").to_pylist() == [cell.replace(".", "") for cell in cells]


@pytest.mark.parametrize(
    "text",
    [
        "id,n\n1,1.000\n2,12.000\n",  # commas between cells: nobody who writes decimal commas writes so
        "id;n\n1;1.000\n2;2.5\n",
        "id;n\n1;1.000\n2;0.125\n",
        "id;n;m\n1;1.000;2.5\n2;12.000;3.5\n",
        "id;n\n1;1.000\n2;1234.500\n",
    ],
)
def test_points_that_are_decimal_ones_stay(tmp_path: Path, text: str) -> None:
    read = read_table(written(tmp_path, text), "users", ["id", "n", "m"], numbers=["n", "m"])
    assert read.column("n").to_pylist()[0] == "1.000"


def test_points_between_millions_part_thousands(tmp_path: Path) -> None:
    path = written(tmp_path, "id;n\n1;1.000\n2;1.234.567\n")
    assert read_table(path, "users", ["id", "n"], numbers=["n"]).column("n").to_pylist() == ["1000", "1234567"]


def test_commas_between_cells_are_no_decimal_ones(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,fee\n1,"2,5"\n')
    assert read_table(path, "users", ["id", "fee"], numbers=["fee"]).column("fee").to_pylist() == ["2,5"]
    assert read_table(path, "users", ["id", "fee"], Told(decimal=","), numbers=["fee"]).column("fee").to_pylist() == ["2.5"]


def test_mixed_commas_and_points_stay_for_the_check_to_name(tmp_path: Path) -> None:
    path = written(tmp_path, "id;fee\n1;2,5\n2;2.5\n")
    assert read_table(path, "users", ["id", "fee"], numbers=["fee"]).column("fee").to_pylist() == ["2,5", "2.5"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["users.csv", "users.csv.gz", "users.CSV"])
def test_an_encoding_that_the_file_marks_is_read(tmp_path: Path, encoding: str, name: str) -> None:
    path = written(tmp_path, "id;größe\n1;Köln\n".encode(encoding), name)
    assert column_names(path, "users") == ["id", "größe"]
    assert read_table(path, "users", ["id", "größe"]).to_pydict() == {"id": ["1"], "größe": ["Köln"]}


def test_an_encoding_that_the_file_does_not_mark_is_asked_for_and_read_when_told(tmp_path: Path) -> None:
    path = written(tmp_path, "id;größe\n1;Köln\n".encode("latin-1"))
    with pytest.raises(TableError, match=r"is not UTF-8 text: it has byte 0xf6; say `encoding:` \(cp1252, latin-1"):
        read_table(path, "users", ["id"])
    read = read_table(path, "users", ["id", "größe"], Told(encoding="latin-1"))
    assert read.to_pydict() == {"id": ["1"], "größe": ["Köln"]}
    assert said_of(read) == "users.csv is read as separated by ;, in latin-1"
    with pytest.raises(TableError, match=r"is not ascii text: it has byte 0xf6"):
        read_table(path, "users", ["id"], Told(encoding="ascii"))


def test_utf_16_without_its_mark_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "id;größe\n1;Köln\n".encode("utf-16-le"))
    with pytest.raises(TableError, match="UTF-16 without its mark: say `encoding: utf-16-le`"):
        read_table(path, "users", ["id"])
    assert read_table(path, "users", ["größe"], Told(encoding="utf-16-le")).to_pydict() == {"größe": ["Köln"]}


def test_utf_16_that_ends_within_a_character_is_damaged(tmp_path: Path) -> None:
    path = written(tmp_path, "id;größe\n1;Köln\n".encode("utf-16")[:-1])
    with pytest.raises(TableError, match=r"users\.csv is not utf-16-le text: it has byte 0x0a"):
        read_table(path, "users", ["id"])


def test_every_row_is_held_against_the_header_beyond_what_was_looked_at(tmp_path: Path) -> None:
    rows = "".join(f"{number};{number},5\n" for number in range(60_000))
    path = written(tmp_path, f"id;fee\n{rows}60000;1;2\n")
    with pytest.raises(TableError, match="1 row has not 2 columns"):
        read_table(path, "users", ["id", "fee"])


def test_a_plain_file_says_nothing(tmp_path: Path) -> None:
    assert not said_of(read_table(written(tmp_path, "id,fee\n1,2.5\n"), "users", ["id", "fee"], numbers=["fee"]))
