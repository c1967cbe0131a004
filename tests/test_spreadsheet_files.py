"""Files that people upload: CSV and XLSX as programs write them, within limits, and clear words otherwise."""

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from readiness.evidence import Kind
from readiness.spreadsheets import (
    COLUMNS,
    Column,
    Layout,
    RawSheet,
    SheetError,
    archive,
    csv_template,
    files,
    match,
    read_file,
    xlsx_template,
)
from readiness.spreadsheets.cells import text

LAYOUT = Layout(
    (Column("service", text, required=True), Column("id", text, required=True), Column("title", text)),
    also={"name": "title"},
    skipped=frozenset({"excluded"}),
)

MORNING = dt.datetime.fromisoformat("2026-01-01 09:00")


def xlsx(rows: Iterable[Sequence[Any]]) -> bytes:
    """A workbook with these rows."""
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    return saved(book)


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def changed(content: bytes, place: bytes, other: bytes) -> bytes:
    """The workbook with something else in its first sheet, where openpyxl would not write it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert place in part
                part = part.replace(place, other)
            new.writestr(name, part)
    return file.getvalue()


def refused(content: bytes) -> str:
    with pytest.raises(SheetError) as error:
        match(read_file(content), LAYOUT)
    return str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"service,id\npay,1\n",
        b"\xef\xbb\xbfservice,id\r\npay,1\r\n",
        b"service;id\npay;1\n",
        b'"service";"id"\n"pay";"1"\n',
        b"service\tid\npay\t1",
        b"\n\nService , ID ,,\npay,1,,\n",
        b"service,id\n# example,0\n\npay,1\n",
        b"# made by a program, on some day, for us\nservice;id\npay;1\n",
        xlsx([["service", "id"], ["pay", "1"]]),
        xlsx([["service", "id", None], ["# example", "0"], [None], ["pay", "1", " "]]),
    ],
)
def test_a_file_is_read_as_its_program_wrote_it(content: bytes) -> None:
    [row] = match(read_file(content), LAYOUT)

    assert (row.cells["service"], row.cells["id"], row.beyond) == ("pay", "1", False)


def test_rows_have_the_numbers_that_a_spreadsheet_shows() -> None:
    sheet = read_file(b'service,id\n\npay,"a\nb"\nledger,2\n')

    assert [number for number, _ in sheet.rows] == [3, 4]


def test_xlsx_keeps_numbers_and_times_as_such_and_formulas_are_not_run() -> None:
    row = ["pay", 1, "=1+1", MORNING, True]
    content = changed(xlsx([["a", "b", "c", "d", "e"], row]), b"<f>1+1</f><v />", b"<f>1+1</f><v>7</v>")
    [(_, cells)] = read_file(content).rows

    assert cells[:5] == ("pay", 1, 7, MORNING, True)


def test_a_formula_that_was_never_computed_is_no_empty_cell() -> None:
    said = refused(xlsx([["service", "id", "title"], ["pay", "1", "=A1"], ["ledger", "2", "=A2"]]))

    assert said.startswith("Formulas have no result: C2, C3. Open the file in a spreadsheet program")


def test_a_formula_may_have_an_empty_text_for_its_result() -> None:
    content = xlsx([["service", "id", "title"], ["pay", "1", "=A1"]])
    [row] = match(read_file(changed(content, b'<c r="C2">', b'<c r="C2" t="str">')), LAYOUT)

    assert not row.cells["title"]


def test_merged_cells_are_refused_for_only_the_first_says_anything() -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in (["service", "id"], ["pay", "1"], ["", "2"]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")

    assert refused(saved(book)) == "Cells are merged: A2:A3. Unmerge them, and fill in each."
    for at in range(4, 9):
        sheet.merge_cells(start_row=at, end_row=at, start_column=3, end_column=4)
    assert " and 3 more. Unmerge them" in refused(saved(book))


def test_what_is_wrong_on_another_sheet_than_the_first_is_nobody_s_business() -> None:
    book = Workbook()
    for row in (["service", "id"], ["pay", "1"]):
        book.worksheets[0].append(row)
    beside = book.create_sheet("Sums")
    beside.append(["=1+1"])
    beside.merge_cells("A2:B2")

    assert len(read_file(saved(book))) == 1


def test_words_of_a_header_may_be_written_as_people_do() -> None:
    [row] = match(read_file(b"SERVICE,Id,Name,excluded\npay,1,Pay,no\n"), LAYOUT)

    assert row.cells["title"] == "Pay"


def test_a_cell_to_the_right_of_the_header_is_noticed() -> None:
    [row] = match(read_file(b"service,id\npay,1,stray\n"), LAYOUT)

    assert row.beyond


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty"),
        (b"service,id\n", "no rows beneath its header"),
        (
            b"service,id,colour,size\npay,1,red,L\n",
            "No such column: colour, size. Known are service, id, title.",
        ),
        (b"service,title\npay,1\n", "Missing column: id."),
        (b"service,id,title,name\npay,1,a,b\n", "Column given twice: title."),
        (b"service,,id\npay,x,1\n", "Column without a name: number 2."),
        ("service,id\nküche,1\n".encode("latin-1"), "not UTF-8 text. Save it as “CSV UTF-8"),
        ("service,id\npay,1\n".encode("utf-16"), "not UTF-8 text"),
        (b'service,id\npay,"1\n', "cannot be read as CSV after row 1"),
        (b"PK\x03\x04 no archive", "cannot be read as XLSX"),
        (b"\xd0\xcf\x11\xe0 old", "an old Excel file or an encrypted one"),
        (b"x" * (files.MAX_BYTES + 1), "larger than 10 MB"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(content: bytes, said: str) -> None:
    assert said in refused(content)


def test_more_rows_than_allowed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ROWS", 2)

    assert "more than 2 rows" in refused(b"service,id\na,1\nb,2\nc,3\n")
    assert len(read_file(b"service,id\na,1\nb,2\n")) == 2


@pytest.mark.parametrize("bound", ["MAX_UNPACKED", "MAX_ELEMENTS"])
def test_an_archive_that_unpacks_to_too_much_is_refused(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, bound, 50)

    assert "too large once it is unpacked" in refused(xlsx([["service", "id"], ["pay", "1"]]))


@pytest.mark.parametrize(
    ("place", "much"),
    [
        (b"</row></sheetData>", b"<c/>" * 100_000 + b"</row></sheetData>"),
        (b"<sheetData>", b"<!--" + b"x" * 2_000_000 + b"--><sheetData>"),
        (b"<sheetData>", b"<sheetData " + b" ".join(b'a%d=""' % n for n in range(200_000)) + b">"),
    ],
)
def test_a_few_bytes_do_not_become_a_row_or_a_tag_without_end(place: bytes, much: bytes) -> None:
    content = changed(xlsx([["service", "id"], ["pay", "1"]]), place, much)

    assert len(content) < files.MAX_BYTES
    assert "too large once it is unpacked" in refused(content)


def test_a_row_that_no_spreadsheet_has_is_refused_and_not_counted_up_to() -> None:
    content = changed(xlsx([["service", "id"], ["pay", "1"]]), b'<row r="2"', b'<row r="4000000000000"')

    assert "goes on below row 1,048,576" in refused(content)


def test_an_archive_that_is_no_workbook_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "hello")

    assert "cannot be read as XLSX" in refused(file.getvalue())


@pytest.mark.parametrize("kind", list(COLUMNS))
@pytest.mark.parametrize("make", [csv_template, xlsx_template])
def test_a_template_has_every_column_and_no_row(kind: Kind, make: Any) -> None:
    with pytest.raises(SheetError, match="no rows beneath its header"):
        read_file(make(COLUMNS[kind]))


def test_a_row_that_is_written_into_a_template_is_read() -> None:
    columns = COLUMNS[Kind.INCIDENT]
    content = csv_template(columns) + b"pay,pager,1,2"
    [row] = match(read_file(content), Layout(columns))

    assert (row.number, row.cells["severity"]) == (3, "2")


@given(st.one_of(st.binary(), st.binary().map(lambda tail: b"PK\x03\x04" + tail), st.text().map(str.encode)))
def test_no_file_whatever_does_more_than_be_refused(content: bytes) -> None:
    with suppress(SheetError):
        assert isinstance(read_file(content), RawSheet)
