import json
from datetime import UTC, datetime

import pytest

from rubricator.config import Columns, Config, Data
from rubricator.dataset.dataset import Rejected
from rubricator.errors import DataError
from rubricator.ingest.read import RowReader, fit_columns, read_texts, write_rejected
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
