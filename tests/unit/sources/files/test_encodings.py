"""Letters are those that were written, or the row is kept back, or the file refused: never others in silence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sources.files.conftest import variants
from varai.kernel import Malformed

LETTERS = "aZ0 äöüßéèñåøçÄÖÜ"
"""Of both one-byte encodings. No two of them in a row are what UTF-8 makes of a third."""
ENCODINGS = ("utf-8", "utf-16", "latin-1", "cp1252")
WORDS = st.lists(st.text(LETTERS, max_size=12), min_size=1, max_size=6)


def file_of(words: list[str], encoding: str) -> bytes:
    rows = "".join(f"{at},{word},1\r\n" for at, word in enumerate(words))
    return f"id,title,price\r\n{rows}".encode(encoding)


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-8-sig"])
@settings(max_examples=25, deadline=None)
@given(words=WORDS)
def test_what_is_declared_is_read(encoding: str, words: list[str]) -> None:
    desk = variants(encoding=encoding.removesuffix("-sig"))
    desk.drop.lay("rows.csv", file_of(words, encoding))
    read = desk.read()
    assert [cells["title"] for cells in read.cells] == words
    assert read.refused == []


@pytest.mark.parametrize("written", [*ENCODINGS, "utf-8-sig", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", ENCODINGS)
@settings(max_examples=20, deadline=None)
@given(words=WORDS)
def test_another_encoding_is_refused_or_changes_no_letter(written: str, declared: str, words: list[str]) -> None:
    desk = variants(encoding=declared)
    desk.drop.lay("rows.csv", file_of(words, written))
    try:
        read = desk.read()
    except Malformed:
        return
    titles = {cells["id"]: cells["title"] for cells in read.cells}
    assert all(words[int(key)] == title for key, title in titles.items())
    assert len(titles) + len(read.refused) == len(words)
    assert all(reason.startswith("wrong_encoding:rows.csv:") for reason in read.refused)


@pytest.mark.parametrize(("declared", "data", "told"), [
    ("utf-8", "id,title,price\n1,é,2\n".encode("utf-16"), "byte order mark of utf-16"),
    ("cp1252", "\ufeffid,title,price\n1,é,2\n".encode(), "byte order mark of utf-8"),
    ("utf-16", b"id,title,price\n1,x,2\n", "no byte order mark"),
    ("utf-8", "id,title,price\n1,é,2\n".encode("utf-16-le"), "a quarter of its first bytes are zero"),
    ("utf-8", "id,titlé,price\n".encode("latin-1"), "header of rows.csv cannot be read as utf-8"),
])  # fmt: skip
def test_a_file_in_another_encoding_is_told_with_the_one_that_is_declared(
    declared: str, data: bytes, told: str
) -> None:
    desk = variants(encoding=declared)
    desk.drop.lay("rows.csv", data)
    with pytest.raises(Malformed, match=told):
        desk.read()


def test_a_letter_cut_between_two_blocks_stays_one(desk: object) -> None:
    from varai.sources.files.text import _BLOCK

    head = "id,title,price\n1,"
    word = "x" * (_BLOCK - len(head) - 1) + "é"
    told = variants()
    told.drop.lay("rows.csv", f"{head}{word},1\n")
    assert told.read().cells[0]["title"] == word
