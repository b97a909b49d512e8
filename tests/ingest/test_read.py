import json
from datetime import UTC, datetime

import polars as pl
import pytest
import xlsxwriter

from rubricator.config import Columns, Config, Data
from rubricator.dataset.dataset import Rejected
from rubricator.errors import DataError
from rubricator.ingest.read import RowReader, fit_columns, read_texts, rejections_by_kind, write_rejected
from rubricator.records import Text
from rubricator.tables.reading import Row, open_table


def config_of(tmp_path, files, **columns):
    max_characters = columns.pop("max_characters", 1_000_000)
    return Config(
        data=Data(files=files, columns=Columns(**columns), max_characters=max_characters), folder=tmp_path
    )


def test_rows_become_texts_or_rejections_with_their_reason(tmp_path, caplog):
    (tmp_path / "a.csv").write_text(
        "id,head,text,site,day,topic,likes\n"
        "a,Заголовок,Тело,site.ru,04.11.2024,спорт,5\n"
        "b,,  ,site.ru,,,\n"
        "a,,повтор номера,,,культура,\n"
        ",,без номера,,,,\n"
        f"c,,{'длинно ' * 20},,,,\n"
        "d,обрыв\n"
        "e,,\u200b\u00ad,,,,\n"
        "f,,время неясно,,вчера,,\n",
        encoding="utf-8",
    )
    config = config_of(
        tmp_path,
        ["a.csv"],
        id="id",
        title="head",
        body="text",
        source="site",
        time="day",
        labels="topic",
        features=("likes",),
        max_characters=100,
    )
    corpus = read_texts(config)
    assert corpus.texts[0] == Text(
        id="a",
        title="Заголовок",
        body="Тело",
        source="site.ru",
        time=datetime(2024, 11, 4, tzinfo=UTC),
        features={"likes": "5"},
    )
    assert [text.id for text in corpus.texts] == ["a", "f"]
    assert corpus.texts[1].time is None
    assert "1 times in the column 'day' cannot be read" in caplog.text
    assert corpus.labels == {"a": "спорт"}
    assert [(r.row, r.id) for r in corpus.rejected] == [
        (2, "b"),
        (3, "a"),
        (4, ""),
        (5, "c"),
        (6, ""),
        (7, "e"),
    ]
    reasons = [r.reason for r in corpus.rejected]
    assert reasons[0] == reasons[5] == "no text"
    assert reasons[1] == "duplicate id, first in a.csv, row 1"
    assert reasons[2] == "no id"
    assert reasons[3] == "too long: 140 characters, 100 are allowed"
    assert reasons[4] == "broken row: 2 cells where the header has 7 (line 7)"
    assert corpus.rejected[1].excerpt == "повтор номера"


def test_without_an_id_column_row_numbers_stand_in(tmp_path):
    (tmp_path / "a.csv").write_text("text\nодин\n\nдва\n", encoding="utf-8")
    assert [t.id for t in read_texts(config_of(tmp_path, ["a.csv"], body="text")).texts] == ["1", "2"]


def test_of_several_files_each_gives_its_part_and_its_name(tmp_path):
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text(f"text\n{name} один\n", encoding="utf-8")
    files = [{"path": "train.csv", "part": "train"}, {"path": "test.csv", "part": "test"}]
    texts = read_texts(config_of(tmp_path, files, body="text")).texts
    assert [(text.id, text.part) for text in texts] == [("train:1", "train"), ("test:1", "test")]


def test_of_several_files_one_with_labels_is_enough(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n1,Взял пенальти\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("id,text,topic\n2,Поднял ставку,экономика\n", encoding="utf-8")
    corpus = read_texts(config_of(tmp_path, ["a.csv", "b.csv"], id="id", body="text", labels="topic"))
    assert [text.id for text in corpus.texts] == ["1", "2"]
    assert corpus.labels == {"2": "экономика"}
    with pytest.raises(DataError, match="topic"):
        read_texts(config_of(tmp_path, ["a.csv"], id="id", body="text", labels="topic"))


def test_ids_from_other_kinds_of_tables_become_strings(tmp_path):
    rows = [
        {"id": 5, "text": "да", "topic": ["спорт", "культура"], "n": 3},
        {"id": 6.0, "text": 7, "topic": None, "n": True},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    config = config_of(tmp_path, ["a.jsonl"], id="id", body="text", labels="topic", features=("n",))
    corpus = read_texts(config)
    assert [(text.id, text.body) for text in corpus.texts] == [("5", "да"), ("6", "7")]
    assert corpus.labels == {"5": "спорт|культура"}
    assert [text.features["n"] for text in corpus.texts] == [3.0, True]


def test_missing_columns_are_all_named_with_the_nearest(tmp_path):
    (tmp_path / "a.csv").write_text("id,titel,text\n1,a,b\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_texts(config_of(tmp_path, ["a.csv"], id="id", title="title", body="text", time="published"))
    message = str(caught.value)
    assert "title: 'title' (did you mean 'titel'?)" in message
    assert "time: 'published'" in message
    assert "id, titel, text" in message


def test_optional_columns_may_be_absent(tmp_path):
    (tmp_path / "a.csv").write_text("text\nда\n", encoding="utf-8")
    columns = Columns(id="id", body="text", labels="topic", features=("likes",))
    fitted = fit_columns(open_table(tmp_path / "a.csv"), columns, optional=("id", "labels", "features"))
    assert fitted == Columns(body="text")
    with pytest.raises(DataError, match=r"body: 'texts' .did you mean 'text'"):
        fit_columns(
            open_table(tmp_path / "a.csv"), Columns(title="head", body="texts"), optional=("title", "body")
        )


def test_a_file_without_any_usable_row_is_told(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n1, \n2,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"None of the 2 rows can be used: no text \(2\)"):
        read_texts(config_of(tmp_path, ["a.csv"], id="id", body="text"))


def test_the_row_reader_lets_ids_repeat():
    reader = RowReader(Columns(id="id", body="text"))
    rows = [Row(number, {"id": "1", "text": "да"}) for number in (1, 2)]
    assert [reader.text(row) for row in rows] == [Text(id="1", body="да")] * 2


def test_rejections_are_written_and_read_back(tmp_path):
    rejected = [Rejected("a.csv", 3, "x", "no text", "—"), Rejected("a.csv", 4, "", "no id", "да, нет")]
    write_rejected(tmp_path / "r.csv", rejected)
    (batch,) = open_table(tmp_path / "r.csv").rows()
    assert [row.cells["excerpt"] for row in batch] == ["—", "да, нет"]
    assert batch[0].cells == {"file": "a.csv", "row": "3", "id": "x", "reason": "no text", "excerpt": "—"}


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (("one.csv", "two.csv"), ["one:1", "two:1"]),
        (("texts.csv", "texts.tsv"), ["texts.csv:1", "texts.tsv:1"]),
        (("old/texts.csv", "new/texts.csv"), ["old/texts.csv:1", "new/texts.csv:1"]),
        (("texts.csv", "texts.csv"), ["1:texts.csv:1", "2:texts.csv:1"]),
    ],
)
def test_stand_in_ids_differ_however_files_are_called(tmp_path, names, ids):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text\nпервая строка\n", encoding="utf-8")
    corpus = read_texts(config_of(tmp_path, list(names), body="text"))
    assert ([text.id for text in corpus.texts], corpus.rejected) == (ids, [])


def write_lines(path, *rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def test_parts_of_a_text_are_joined_and_other_nested_cells_rejected_with_their_path(tmp_path):
    bold = {"type": "bold", "text": "жирно"}
    texts = [
        ["Было ", bold, " и стало"],
        [bold],
        ["слово", "за", "словом"],
        {"text": "объект"},
        ["да", {"href": "адрес"}],
        ["да", ["нет"]],
        ["да", {"text": ["нет"]}],
    ]
    write_lines(tmp_path / "a.jsonl", *({"id": n, "text": text} for n, text in enumerate(texts)))
    corpus = read_texts(config_of(tmp_path, ["a.jsonl"], id="id", body="text"))
    assert [text.body for text in corpus.texts] == ["Было жирно и стало", "жирно", "слово за словом"]
    kind = "a nested value where a text was expected"
    paths = ["text", "text[1]", "text[1]", "text[1]"]
    assert [row.reason for row in corpus.rejected] == [f"{kind} ({path})" for path in paths]
    assert {row.kind for row in corpus.rejected} == {kind}
    assert [row.id for row in corpus.rejected] == ["3", "4", "5", "6"]


def test_bytes_that_are_no_text_reject_their_row(tmp_path):
    bodies = ["да".encode(), b"\xff\xfe"]
    pl.DataFrame({"id": [b"1", b"2"], "text": bodies}).write_parquet(tmp_path / "a.parquet")
    corpus = read_texts(config_of(tmp_path, ["a.parquet"], id="id", body="text"))
    assert [(text.id, text.body) for text in corpus.texts] == [("1", "да")]
    assert [(row.id, row.reason) for row in corpus.rejected] == [("2", "bytes that are no UTF-8 (text)")]


@pytest.mark.parametrize("mark", ["NULL", "nan", "None", "#N/A", r"\N", "<NA>", " null ", "#Н/Д"])
def test_marks_of_missing_values_are_no_texts(tmp_path, mark):
    rows = [
        {"id": "1", "title": mark, "text": mark},
        {"id": "2", "title": mark, "text": "Чашка цела", "source": mark, "topic": mark},
        {"id": mark, "text": "без номера"},
    ]
    write_lines(tmp_path / "a.jsonl", *rows)
    columns = {"id": "id", "title": "title", "body": "text", "source": "source", "labels": "topic"}
    corpus = read_texts(config_of(tmp_path, ["a.jsonl"], **columns))
    assert corpus.texts == [Text(id="2", body="Чашка цела")]
    assert [row.reason for row in corpus.rejected] == ["no text", "no id"]
    assert corpus.rejected[0].excerpt == f"{mark.strip()} {mark.strip()}"
    assert corpus.labels == {"2": mark.strip()}, "a category may be called so"


def test_a_label_first_seen_after_a_thousand_rows_counts(tmp_path):
    rows = [{"id": f"a{n}", "text": f"строка {n}"} for n in range(1010)]
    write_lines(tmp_path / "old.jsonl", *rows[:1005], *(row | {"topic": "спорт"} for row in rows[1005:]))
    write_lines(tmp_path / "new.jsonl", {"id": "b", "text": "да", "topic": "спорт"})
    for files in (["old.jsonl", "new.jsonl"], ["old.jsonl"]):
        corpus = read_texts(config_of(tmp_path, files, id="id", body="text", labels="topic"))
        assert [name for name in corpus.labels if name != "b"] == [f"a{n}" for n in range(1005, 1010)]


def test_encodings_are_told_and_can_be_set(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n1,Мышь с колёсиком\n", encoding="cp1251")
    (tmp_path / "b.csv").write_text("id,text\n2,Мышь с колёсиком\n", encoding="utf-8-sig")
    config = config_of(tmp_path, ["a.csv", "b.csv"], id="id", body="text")
    corpus = read_texts(config)
    assert [text.body for text in corpus.texts] == ["Мышь с колёсиком"] * 2
    assert corpus.encodings == {"a.csv": "cp1251"}
    data = config.data.model_copy(update={"encoding": "koi8-r", "files": config.data.files[:1]})
    assert read_texts(config.model_copy(update={"data": data})).encodings == {"a.csv": "koi8-r"}


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        ("Отчёт\nза март\n\nid;text\n1;да\n", 4),
        ("UTF-8\nid,text\n1,да\n", 2),
        ('Отчёт\n"id"\t"text"\n1\tда\n', 2),
    ],
)
def test_a_header_below_other_lines_is_pointed_at(tmp_path, lines, row):
    (tmp_path / "a.csv").write_text(lines, encoding="utf-8")
    config = config_of(tmp_path, ["a.csv"], id="id", body="text")
    with pytest.raises(DataError, match=rf"The header seems to be in row {row}\."):
        read_texts(config)
    data = config.data.model_copy(update={"header": row})
    assert read_texts(config.model_copy(update={"data": data})).texts == [Text(id="1", body="да")]


def test_a_header_in_another_sheet_is_pointed_at(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        book.add_worksheet("Титул").write_row(0, 0, ["Отчёт", "март"])
        sheet = book.add_worksheet("Данные")
        for number, cells in enumerate((["Обращения"], ["id", "text"], ["1", "да"])):
            sheet.write_row(number, 0, cells)
        book.worksheets()[0].write(1, 0, "за март")
    config = config_of(tmp_path, ["a.xlsx"], id="id", body="text")
    with pytest.raises(DataError, match="seems to be in row 2 of the sheet 'Данные'"):
        read_texts(config)
    data = config.data.model_copy(update={"header": 2, "sheet": "Данные"})
    assert read_texts(config.model_copy(update={"data": data})).texts == [Text(id="1", body="да")]


def test_a_column_of_ids_that_nobody_reads_is_mentioned(tmp_path, caplog):
    (tmp_path / "a.csv").write_text("ID,text\nx7,да\n", encoding="utf-8")
    read_texts(config_of(tmp_path, ["a.csv"], body="text"))
    assert "a.csv: the column 'ID' is not used" in caplog.text
    caplog.clear()
    read_texts(config_of(tmp_path, ["a.csv"], id="ID", body="text"))
    assert not caplog.text


def test_rejections_are_counted_by_kind():
    rows = [Rejected("a.csv", n, "", f"no valid JSON: at {n}", "", "no valid JSON") for n in range(40)]
    assert rejections_by_kind(rows) == {"no valid JSON": 40}
    rows += [Rejected("a.csv", n, "", f"{n} cells", "", f"{n} cells") for n in range(9)]
    counts = rejections_by_kind(rows)
    assert counts["no valid JSON"] == 40
    assert sum(counts.values()) == 49
    assert len(counts) == 6


def test_times_that_cannot_be_read_are_shown_by_one(tmp_path, caplog):
    (tmp_path / "a.csv").write_text(
        "text;day\nда;12/03/2026\nнет;NULL\nтоже;12 марта 2026 г.\n", encoding="utf-8"
    )
    corpus = read_texts(config_of(tmp_path, ["a.csv"], body="text", time="day"))
    assert "1 times in the column 'day' cannot be read, such as '12/03/2026'" in caplog.text
    assert corpus.texts[2].time == datetime(2026, 3, 12, tzinfo=UTC)
