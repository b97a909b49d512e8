import csv
import json
import tracemalloc
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from rubricator.errors import DataError
from rubricator.tables.reading import Layout, open_table

_CELL = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\x1f\r"), max_size=12)


def rows_of(path, **options):
    return [row for batch in open_table(path, Layout(**options)).rows() for row in batch]


def cells_of(path, **options):
    return [dict(row.cells) for row in rows_of(path, **options)]


def write(tmp_path, name, content, encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "koi8-r", "cp866"]
)
def test_encodings_of_russian_texts_are_told_apart(tmp_path, encoding):
    text = "id;текст\n1;Привет, как дела? Это обычный русский текст про погоду\n2;Ещё одна строка\n"
    found = cells_of(write(tmp_path, "a.csv", text, encoding))
    assert found[0] == {"id": "1", "текст": "Привет, как дела? Это обычный русский текст про погоду"}
    assert found[1]["текст"] == "Ещё одна строка"


def test_a_russian_letter_far_from_the_start_is_still_read(tmp_path):
    path = write(tmp_path, "a.csv", "id,text\n" + "1,plain words\n" * 80_000 + "2,вдруг по-русски\n")
    assert rows_of(path)[-1].cells["text"] == "вдруг по-русски"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_told_apart(tmp_path, separator):
    lines = [["id", "text"], ["1", "раз, два; три | четыре"], ["2", 'он сказал: "да"']]
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=separator).writerows(lines)
    assert cells_of(path) == [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def test_a_separator_can_be_prescribed(tmp_path):
    path = write(tmp_path, "a.csv", "a,b~c\n1,2~3\n")
    assert cells_of(path, separator="~") == [{"a,b": "1,2", "c": "3"}]


def test_a_file_of_one_column_needs_no_quotes(tmp_path):
    path = write(tmp_path, "a.csv", 'text\nпришло быстро, всё цело; спасибо\n"две\nстроки, да"\n')
    assert cells_of(path) == [{"text": "пришло быстро, всё цело; спасибо"}, {"text": "две\nстроки, да"}]


def test_values_of_csv_stay_strings_and_columns_keep_their_order(tmp_path):
    path = write(tmp_path, "a.csv", "b,a\n007,1e5\n,null\n")
    assert open_table(path).columns == ("b", "a")
    assert cells_of(path) == [{"b": "007", "a": "1e5"}, {"b": "", "a": "null"}]


def test_nameless_and_repeated_columns_get_names(tmp_path):
    path = write(tmp_path, "a.csv", ",text,text\n0,a,b\n")
    assert open_table(path).columns == ("column 1", "text", "text (2)")


def test_broken_rows_cost_only_themselves(tmp_path):
    path = write(
        tmp_path,
        "a.csv",
        "id,text,source\n"
        "1,хорошо,a\n"
        "2,мало\n"
        "3,слишком,много,ячеек\n"
        "\n"
        "4,с нулём\0внутри,a\n"
        '5,"не закрыто,a\n'
        "6,снова хорошо,a\n"
        '7,"две\nстроки",a\n',
    )
    rows = rows_of(path)
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.cells.get("id") for row in rows if not row.fault] == ["1", "6", "7"]
    assert "2 cells where the header has 3 (line 3)" in rows[1].fault
    assert "4 cells" in rows[2].fault
    assert "zero byte" in rows[3].fault
    assert "never closes it (line 7)" in rows[4].fault
    assert rows[4].excerpt.startswith('5,"не закрыто')
    assert rows[6].cells["text"] == "две\nстроки"


def test_an_open_quote_does_not_swallow_a_later_quoted_row(tmp_path):
    path = write(tmp_path, "a.csv", 'id,text\n1,"начало\n2,середина\n3,"конец"\n')
    assert [(row.cells.get("text"), bool(row.fault)) for row in rows_of(path)] == [
        (None, True),
        ("середина", False),
        ("конец", False),
    ]


def test_an_open_quote_at_the_end_of_a_one_column_file_is_a_broken_row(tmp_path):
    rows = rows_of(write(tmp_path, "a.csv", 'text\nодин\n"два\nтри\n'))
    assert [row.cells.get("text") for row in rows] == ["один", None, "три"]


def test_quotation_marks_that_belong_to_the_text_are_kept(tmp_path):
    path = write(tmp_path, "a.tsv", 'id\ttext\n1\t"Заря" победила "Восход"\n2\tэкран 27" и мышь\n')
    assert [row["text"] for row in cells_of(path)] == ['"Заря" победила "Восход"', 'экран 27" и мышь']


def test_backslashes_before_quotation_marks_are_escapes(tmp_path):
    path = write(
        tmp_path,
        "a.csv",
        '"id","text"\n"1","Он сказал \\"нет\\" и ушёл"\n"2","Диагональ 15\\""\n'
        '"3","Пишут \\"даром\\",\nа взяли сто"\n'
        '"4","C:\\\\temp"\n"5","конец\\\n строки"\n',
    )
    assert [list(row.values()) for row in cells_of(path)] == [
        ["1", 'Он сказал "нет" и ушёл'],
        ["2", 'Диагональ 15"'],
        ["3", 'Пишут "даром",\nа взяли сто'],
        ["4", "C:\\temp"],
        ["5", "конец\n строки"],
    ]


def test_backslashes_that_are_no_escapes_stay(tmp_path):
    path = write(tmp_path, "a.csv", 'id,text\n"C:\\a\\","x"\n1,"он ""да"" \\""и"" "\n')
    assert [list(row.values()) for row in cells_of(path)] == [["C:\\a\\", "x"], ["1", 'он "да" \\"и" ']]


def test_an_escape_is_understood_where_the_first_rows_have_none(tmp_path):
    rows = '"1","просто, слова"\n' * 300 + '"2","он сказал \\"да\\", и всё"\n'
    assert (
        rows_of(write(tmp_path, "a.csv", '"id","text"\n' + rows))[-1].cells["text"] == 'он сказал "да", и всё'
    )


def test_half_a_cell_is_never_taken(tmp_path):
    path = write(tmp_path, "a.csv", 'id,text,more\n1,"a, b" c\n"2","он "да" и",x\n3,"начало\n')
    assert [(dict(row.cells), bool(row.fault)) for row in rows_of(path)] == [
        ({}, True),
        ({"id": "2", "text": '"он "да" и"', "more": "x"}, False),
        ({}, True),
    ]


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), min_size=1, max_size=6))
def test_what_is_written_with_escapes_is_read_back(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    lines = [['с "кавычками"', "да"], *lines]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, doublequote=False, escapechar="\\")
        writer.writerows([["первый", "второй"], *lines])
    assert [list(row.cells.values()) for row in rows_of(path)] == lines


def test_surplus_blank_cells_are_no_fault(tmp_path):
    assert cells_of(write(tmp_path, "a.csv", "id,text\n1,да,,\n")) == [{"id": "1", "text": "да"}]


def test_excels_line_of_the_separator_is_understood(tmp_path):
    path = write(tmp_path, "a.csv", "sep=;\r\nid;text\r\n1;да, нет, может быть, не знаю\r\n", "cp1251")
    assert cells_of(path) == [{"id": "1", "text": "да, нет, может быть, не знаю"}]
    assert cells_of(write(tmp_path, "b.csv", '"sep=~"\na~b\n1~2\n')) == [{"a": "1", "b": "2"}]


def test_a_header_below_other_lines_can_be_named(tmp_path):
    path = write(tmp_path, "a.csv", "Отчёт за март\n\n\nid,text\n1,да\n")
    assert cells_of(path, header=4) == [{"id": "1", "text": "да"}]
    assert "(line 6)" in rows_of(write(tmp_path, "b.csv", "x\n\n\nid,text\n1,да\n2\n"), header=4)[1].fault
    with pytest.raises(DataError, match="empty from line 9 on"):
        open_table(path, Layout(header=9))


def test_an_encoding_can_be_prescribed(tmp_path):
    path = write(tmp_path, "a.csv", "id,text\n1,щмен млемн\n", "cp1251")
    assert open_table(path).encoding == "cp1251"
    assert cells_of(path, encoding="windows-1255") == [{"id": "1", "text": "שלום לכולם"}]
    assert cells_of(write(tmp_path, "b.csv", "id\nда\n", "utf-8-sig"), encoding="utf8") == [{"id": "да"}]
    (row,) = rows_of(write(tmp_path, "c.csv", "id,text\n1,да\n", "cp1251"), encoding="utf-8")
    assert row.kind == "bytes that the encoding of the file does not have"


def test_faults_are_counted_without_their_line(tmp_path):
    rows = rows_of(write(tmp_path, "a.csv", "id,text\n1,2,3\n4,5,6\n"))
    assert {row.kind for row in rows} == {"3 cells where the header has 2"}
    rows = rows_of(write(tmp_path, "a.jsonl", '{"a": 1}\n{\n{"a": \n'))
    assert {row.kind for row in rows[1:]} == {"no valid JSON"}


def test_spoilt_bytes_in_utf8_break_only_their_row(tmp_path):
    good = "1,обычная строка с буквами\n".encode() * 50
    rows = rows_of(write(tmp_path, "a.csv", b"id,text\n" + good + b"2,\xff\xfe\xd0\n" + good))
    assert [row.number for row in rows if row.fault] == [51]
    assert "bytes" in rows[50].fault


def test_a_cell_longer_than_the_limit_of_the_csv_module_is_read(tmp_path):
    before = csv.field_size_limit()
    path = write(tmp_path, "a.csv", 'id,text\n1,"' + "слово, " * 100_000 + '"\n')
    assert len(cells_of(path)[0]["text"]) == 700_000
    assert csv.field_size_limit() == before


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([["первый", "второй"], *lines])
    assert [list(row.cells.values()) for row in rows_of(path)] == lines


@given(st.binary(max_size=300))
def test_no_bytes_make_it_crash(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(content)
    with suppress(DataError):
        assert all(row.cells or row.fault for row in rows_of(path))


@pytest.mark.slow
def test_memory_stays_flat(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("id,text\n")
        file.writelines(f'{number},"строка, {"слово " * 200}"\n' for number in range(6_000))
    tracemalloc.start()
    count = sum(len(batch) for batch in open_table(path).rows(100))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 6_000
    assert path.stat().st_size > 10_000_000
    assert peak < 9_000_000


def test_batches_have_the_asked_size(tmp_path):
    path = write(tmp_path, "a.jsonl", '{"a": 1}\n' * 25)
    assert [len(batch) for batch in open_table(path).rows(10)] == [10, 10, 5]


def test_jsonl_keeps_types_and_rejects_broken_lines(tmp_path):
    path = write(
        tmp_path, "a.jsonl", '{"id": 1, "text": "да", "tags": ["x"]}\n\n{"id": 2,\n[1]\n{"extra": null}\n'
    )
    assert open_table(path).columns == ("id", "text", "tags", "extra")
    rows = rows_of(path)
    assert dict(rows[0].cells) == {"id": 1, "text": "да", "tags": ["x"]}
    assert "no valid JSON" in rows[1].fault
    assert "(line 3)" in rows[1].fault
    assert "a JSON list where an object was expected" in rows[2].fault
    assert rows[3].cells == {"extra": None}


def test_columns_of_later_rows_are_found_when_asked_for(tmp_path):
    table = open_table(write(tmp_path, "a.jsonl", '{"id": 1}\n' * 1000 + '{"label": "x"}\n'))
    assert table.columns == ("id",)
    assert table.complete().columns == ("id", "label")


def test_half_an_emoji_in_json_is_dropped(tmp_path):
    lines = ['{"\\ud83d": "да \\ud83d", "x": ["\\uDE00", {"y": "\\ud83d\\ude00"}]}', '{"t": "\\\\ud83d"}']
    found = cells_of(write(tmp_path, "a.jsonl", "\n".join(lines)))
    assert found == [{"": "да ", "x": ["", {"y": "😀"}]}, {"t": "\\ud83d"}]


def test_spoilt_bytes_in_json_break_only_their_row(tmp_path):
    good = '{"t": "обычная строка с буквами"}\n'.encode() * 50
    rows = rows_of(write(tmp_path, "a.jsonl", good + b'{"t": "\xff\xd0"}\n' + good))
    assert [row.number for row in rows if row.fault] == [51]


def test_deeply_nested_json_is_a_broken_row(tmp_path):
    rows = rows_of(write(tmp_path, "a.jsonl", '{"a": 1}\n{"a": ' + "[" * 200_000 + "\n"))
    assert [bool(row.fault) for row in rows] == [False, True]


def test_parquet_is_read_in_batches(tmp_path):
    path = tmp_path / "a[1].parquet"
    pl.DataFrame({"id": range(25), "text": ["да"] * 25}).write_parquet(path, row_group_size=7)
    batches = list(open_table(path).rows(10))
    assert all(len(batch) <= 10 for batch in batches)
    rows = [row for batch in batches for row in batch]
    assert [row.number for row in rows] == list(range(1, 26))
    assert rows[24].cells == {"id": 24, "text": "да"}


def test_excel_is_read(tmp_path):
    path = tmp_path / "a.xlsx"
    pl.DataFrame({"id": [1, 2], "text": ["да", "нет"]}).write_excel(path)
    assert cells_of(path) == [{"id": 1, "text": "да"}, {"id": 2, "text": "нет"}]


def test_bytes_of_parquet_that_are_utf8_are_text(tmp_path):
    pl.DataFrame({"text": ["да".encode(), b"\xff", None]}).write_parquet(tmp_path / "a.parquet")
    assert [row["text"] for row in cells_of(tmp_path / "a.parquet")] == ["да", b"\xff", None]


def write_workbook(path, sheets):
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


def test_cells_of_excel_keep_what_they_hold_whatever_the_first_rows_are(tmp_path):
    rows = [[number, 0.5] for number in range(1500)] + [["A-1", "пол"], [True, 7]]
    write_workbook(tmp_path / "a.xlsx", {"one": [["id", "share"], *rows]})
    found = cells_of(tmp_path / "a.xlsx")
    assert [found[i]["id"] for i in (0, 1499, 1500, 1501)] == ["0", "1499", "A-1", "true"]
    assert [found[i]["share"] for i in (0, 1500, 1501)] == ["0.5", "пол", "7"]


def test_another_sheet_and_a_lower_header_of_excel_can_be_named(tmp_path):
    data = [["Обращения"], [], ["id", "text"], ["1", "да"]]
    write_workbook(tmp_path / "a.xlsx", {"Титул": [["Отчёт"], ["Март"]], "Данные": data})
    for sheet in ("Данные", 2):
        assert cells_of(tmp_path / "a.xlsx", header=3, sheet=sheet) == [{"id": "1", "text": "да"}]
    for sheet in ("Данны", 3):
        with pytest.raises(DataError, match="its sheets are 'Титул', 'Данные'"):
            open_table(tmp_path / "a.xlsx", Layout(sheet=sheet))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.doc", b"x", "suffix '.doc'"),
        ("a", b"x", "no suffix"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n \n", "is empty"),
        ("a.csv", "\ufeff".encode(), "is empty"),
        ("a.csv", b"id,text\n", "a header and no rows"),
        ("a.csv", b'"id,text\n1,2\n', "header"),
        ("a.csv", b"PK\x03\x04xx", "Excel workbook"),
        ("a.csv", b"\0\1\2\3" * 500, "not a text file"),
        ("a.jsonl", b"1\n2\n", "no JSON object"),
        ("a.jsonl", b"\n", "is empty"),
        ("a.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("a.xlsx", b"id,text\n1,2\n", "cannot be read as an Excel workbook"),
    ],
)
def test_files_that_are_no_tables_are_told_with_a_fix(tmp_path, name, content, told):
    path = write(tmp_path, name, content)
    with pytest.raises(DataError, match="→") as caught:
        open_table(path)
    assert told in str(caught.value)


def test_missing_files_and_folders_are_told(tmp_path):
    with pytest.raises(DataError, match="There is no file"):
        open_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        open_table(tmp_path / "folder.csv")


def test_tables_without_rows_are_told(tmp_path):
    pl.DataFrame({"id": []}, schema={"id": pl.String}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"id": []}, schema={"id": pl.String}).write_excel(tmp_path / "a.xlsx")
    for name in ("a.parquet", "a.xlsx"):
        with pytest.raises(DataError, match="no rows"):
            open_table(Path(tmp_path / name))


def test_json_written_by_python_is_read_back(tmp_path):
    rows = [{"id": "1", "text": "линия\u2028дальше"}]
    path = write(tmp_path, "a.ndjson", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    assert cells_of(path) == rows
