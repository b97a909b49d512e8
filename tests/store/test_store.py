"""The store keeps answers, never loses a good one, and says what is wrong with a database."""

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.errors import LockedStoreError, StoreError
from rubricator.records import Answer, Status
from rubricator.store import Store, database
from rubricator.store.migrate import VERSION_TABLE, migrate, version
from rubricator.store.tables import METADATA


def answer(key="k1", **changes):
    made = Answer(
        text_id="7",
        teacher="rules",
        key=key,
        status=Status.OK,
        scores={"спорт": 2.0},
        raw="матч",
        cost=0.5,
        seconds=0.25,
    )
    return replace(made, **changes)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "answers.db") as opened:
        yield opened


def test_what_is_saved_is_found_again_after_reopening(tmp_path):
    path = tmp_path / "new" / "folder" / "ответы ?#%.db"
    with Store.open(path) as store:
        store.save([answer()])
    with Store.open(str(path)) as store:
        assert store.find(["k1", "absent"]) == {"k1": answer()}
    assert path.exists()


def test_a_good_answer_is_never_overwritten_by_a_failure(store):
    store.save([answer()])
    store.save([answer(status=Status.FAILED, scores={}, raw="timeout")])
    assert store.find(["k1"]) == {"k1": answer()}
    store.save([answer(raw="второй матч")])
    assert store.find(["k1"])["k1"].raw == "второй матч"


def test_a_failure_is_replaced_by_what_comes_later(store):
    store.save([answer(status=Status.FAILED)])
    store.save([answer(status=Status.REFUSED)])
    assert store.find(["k1"])["k1"].status is Status.REFUSED
    store.save([answer()])
    assert store.find(["k1"])["k1"].status is Status.OK


@pytest.mark.parametrize("order", [(Status.OK, Status.FAILED), (Status.FAILED, Status.OK)])
def test_the_good_answer_wins_within_one_save_too(store, order):
    store.save([answer(status=status) for status in order])
    assert store.find(["k1"])["k1"].status is Status.OK


def test_more_keys_than_a_statement_takes(store):
    many = [answer(f"{number:05}") for number in range(1200)]
    store.save(iter(many))
    assert len(store.find([a.key for a in many] * 2)) == 1200
    assert list(store.answers()) == many


def test_forgotten_answers_are_gone_and_the_others_stay(store):
    store.save([answer(f"{number:05}") for number in range(1200)])
    store.remove([f"{number:05}" for number in range(1, 1200)] * 2 + ["absent"])
    assert [a.key for a in store.answers()] == ["00000"]
    store.remove([])
    assert store.find(["00000"])


def test_answers_of_one_teacher(store):
    store.save([answer("a"), answer("b", teacher="encoder"), answer("c")])
    assert [a.key for a in store.answers("rules")] == ["a", "c"]


def test_saving_while_reading(store):
    store.save([answer("a"), answer("b")])
    for found in store.answers():
        store.save([replace(found, raw="seen")])
    assert {a.raw for a in store.answers()} == {"seen"}


@pytest.mark.slow
@settings(deadline=None)
@given(raw=st.text(), scores=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)))
def test_any_generation_can_be_stored(tmp_path_factory, raw, scores):
    with Store.open(tmp_path_factory.mktemp("store") / "a.db") as store:
        store.save([answer(raw=raw + "\ud800\0", scores=scores)])
        found = store.find(["k1"])["k1"]
    assert found.scores == scores
    assert found.raw == raw.encode("utf-8", "replace").decode().replace("\0", "\ufffd") + "?\ufffd"


def test_migrations_build_the_tables_the_code_uses(store):
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []


def test_a_database_of_the_first_version_keeps_its_answers(tmp_path):
    path = tmp_path / "old.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate(connection, "0001")
        assert version(connection) == ("0001",)
        connection.execute(
            sa.text(
                "INSERT INTO answers VALUES ('k1', '7', 'rules', 'ok', '{\"спорт\": 2.0}', 'матч', "
                "0.5, 0.25, '2026-01-02 03:04:05')"
            )
        )
    engine.dispose()
    with Store.open(path) as store:
        assert store.find(["k1"]) == {"k1": answer()}
        store.save([answer("k2", taxonomy="a1b2c3d4e5f6")])
        assert store.find(["k2"])["k2"].taxonomy == "a1b2c3d4e5f6"


def test_upgrading_twice_changes_nothing(store):
    def schema(connection):
        return connection.execute(sa.text("SELECT sql FROM sqlite_master ORDER BY name")).all()

    store.save([answer()])
    with store._writing.begin() as connection:
        before = schema(connection), version(connection)
        migrate(connection)
        assert (schema(connection), version(connection)) == before
    assert store.find(["k1"])


def test_two_processes_may_open_a_blank_database_at_once(tmp_path):
    faults = []

    def open_and_save(number):
        try:
            with Store.open(tmp_path / "a.db") as store:
                store.save([answer(str(number))])
        except StoreError as error:
            faults.append(error)

    threads = [threading.Thread(target=open_and_save, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    with Store.open(tmp_path / "a.db") as store:
        assert len(list(store.answers())) == 6


def test_a_newer_database_is_refused(tmp_path):
    path = tmp_path / "a.db"
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=r"(?s)9999.*newer.*Upgrade"):
        Store.open(path)


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(StoreError, match=r"(?s)cannot be opened.*label\.store"):
        Store.open(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Store.open(tmp_path / "file" / "a.db")


def test_another_file_is_no_database(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("id,text\n" * 200)
    with pytest.raises(StoreError, match="not a SQLite database"):
        Store.open(path)
    assert path.read_text() == "id,text\n" * 200


def test_a_damaged_database(tmp_path):
    path = tmp_path / "a.db"
    with Store.open(path) as store:
        store.save(answer(str(n)) for n in range(500))
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"), Store.open(path) as store:
        list(store.answers())


def test_a_read_only_database(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    monkeypatch.chdir(tmp_path)
    Store.open(path).close()
    store = Store(database._engine(sa.make_url(f"sqlite:///file:{path}?mode=ro&uri=true")))
    with pytest.raises(StoreError, match="may not be written"):
        store.save([answer()])
    store.close()
    assert not (tmp_path / "file:").exists()


def test_a_locked_database(tmp_path):
    path = tmp_path / "a.db"
    Store.open(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process"):
        Store.open(path, busy_seconds=0.05)
    other.execute("ROLLBACK")
    other.close()


def test_a_full_disk_loses_nothing_saved(store):
    @sa.event.listens_for(store._engine, "connect")
    def limit(connection, record):
        connection.execute("PRAGMA max_page_count=12")

    store.save([answer("kept")])
    store._engine.dispose()
    with pytest.raises(StoreError, match="disk is full"):
        store.save(answer(str(n), raw="x" * 2000) for n in range(100))
    assert list(store.find(["kept", "0"])) == ["kept"]


@pytest.mark.parametrize("place", ["mysql://host/name", "strange://host/name", "://"])
def test_other_databases_are_refused(place):
    with pytest.raises(StoreError):
        Store.open(place)


def test_a_password_is_never_shown(monkeypatch):
    with pytest.raises(StoreError) as caught:
        Store.open("postgresql+absent://me:secret@host/name")
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_postgresql_keeps_the_same_promises(postgresql):
    for _ in range(2):
        with Store.open(postgresql) as store:
            store.save([answer(), answer("k2", raw="a\0b")])
            store.save([answer(status=Status.FAILED)])
            assert store.find(["k1"]) == {"k1": answer()}
            assert [a.key for a in store.answers()] == ["k1", "k2"]


def test_who_waits_long_for_another_process_is_told_so(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("rubricator.store.sqlite._SILENT_SECONDS", 0.05)
    path = tmp_path / "a.db"
    Store.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LockedStoreError):
            Store.open(path, busy_seconds=0.06)
        assert "waiting for it" in caplog.text
        caplog.clear()
        threading.Timer(0.2, other.execute, ["ROLLBACK"]).start()
        Store.open(path, busy_seconds=10).close()
    assert "a.db is locked by another process; waiting for it, at most 10 seconds more." in caplog.text


def test_faults_name_what_the_user_named(tmp_path):
    (tmp_path / "a.db").write_text("nothing of the kind, and longer than a header" * 9, encoding="utf-8")
    for named in ("--log", "STORE"):
        with pytest.raises(StoreError, match="not a SQLite database") as error:
            Store.open(tmp_path / "a.db", named=named)
        assert error.value.fix == f"Name another file ({named}), or move this one away."
    with pytest.raises(StoreError, match="cannot be made") as error:
        Store.open(tmp_path / "a.db" / "b.db", named="--log")
    assert "(--log)" in error.value.fix


@pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgresql", marks=[pytest.mark.slow, pytest.mark.xdist_group("postgresql")])],
)
def test_only_one_at_a_time_does_the_same_work(request, tmp_path, kind):
    place = tmp_path / "a.db" if kind == "sqlite" else request.getfixturevalue("postgresql")
    with Store.open(place) as store, Store.open(place) as other:
        with (
            pytest.raises(LockedStoreError, match="monitor run"),
            store.alone("monitor run"),
            other.alone("another work"),
            other.alone("monitor run"),
        ):
            pass
        with other.alone("monitor run"):
            pass


def test_a_database_in_memory_is_nobody_elses():
    with Store.open("sqlite://") as store, store.alone("monitor run"), store.alone("monitor run"):
        assert not store.gone
