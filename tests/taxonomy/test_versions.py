"""Versions are numbered, kept, and never lost; whatever happens one of them is whole."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from rubricator.errors import TaxonomyError
from rubricator.taxonomy import Category, Taxonomy, changes
from rubricator.taxonomy import versions as versions_module
from rubricator.taxonomy.changing import changing
from rubricator.taxonomy.source_edit import edited
from rubricator.taxonomy.versions import History, history_folder, shown_version

SOURCE = """categories:
  - {key: roads, description: улицы}
  - {key: weather, description: дожди}
  - {key: sport, description: матчи}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def make(file, change, *args, **options):
    with changing(file, by="Анна") as held:
        made = change(held.taxonomy, *args, **options)
        return held.commit(
            edited(held.source, made.after, renamed=made.renamed),
            made.about,
            moved=made.moved,
            renamed=made.renamed,
            same_meaning=made.same_meaning,
        )


def numbers(file):
    return [version.number for version in History.beside(file).versions]


def test_numbers_count_what_happens_to_labels(file):
    assert shown_version(Taxonomy.read(file), file) == Taxonomy.read(file).version
    make(file, changes.add, Category(key="food", description="супы"))
    make(file, changes.describe, "food", {"description": "супы и каши"}, same_meaning=True)
    make(file, changes.describe, "food", {"keywords": ("суп",)})
    make(file, changes.describe, "food", {"description": "рынки"})
    make(file, changes.rename, "food", "market")
    make(file, changes.remove, "sport")
    assert numbers(file) == ["1.0", "1.1", "1.2", "1.3", "2.0", "3.0", "4.0"]
    now = Taxonomy.read(file)
    assert shown_version(now, file) == f"4.0 ({now.version})"
    assert History.beside(file).last.by == "Анна"


def test_a_difference_calls_a_renamed_category_renamed(file):
    make(file, changes.rename, "sport", "games")
    make(file, changes.describe, "games", {"description": "игры"})
    now, history = Taxonomy.read(file), History.beside(file)
    about = ("sport → games: another key for the same category", "games: description “матчи” → “игры”")
    assert history.difference("1.0", None, now).sentences == about
    assert history.difference("1.0", "2.0", now).sentences == about[:1]
    assert history.difference("3.0", "1.0", now).removed == ("games",)
    make(file, changes.remove, "games")
    file.write_text(file.read_text(encoding="utf-8").replace("улицы", "мосты"), encoding="utf-8")
    by_hand = History.beside(file).difference("1.0", None, Taxonomy.read(file)).sentences
    assert by_hand == ("- sport: матчи", "roads: description “улицы” → “мосты”")


def test_retired_keys_are_remembered_and_old_versions_can_be_read(file):
    first = Taxonomy.read(file)
    make(file, changes.remove, "sport")
    history = History.beside(file)
    assert history.retired(Taxonomy.read(file)) == {"sport"}
    assert history.taxonomy(history.named("1.0")) == first
    assert history.named(first.version[:8]).number == "1.0"
    with pytest.raises(TaxonomyError, match=r"no version 7\.0"):
        history.named("7.0")


def test_labels_are_stale_where_the_meaning_changed_since_and_nowhere_else(file):
    first = Taxonomy.read(file).version
    make(file, changes.describe, "sport", {"description": "гонки"})
    second = Taxonomy.read(file).version
    make(file, changes.rename, "weather", "sky")
    make(file, changes.describe, "roads", {"description": "улицы."}, same_meaning=True)
    make(file, changes.add, Category(key="food", description="супы"))
    history, now = History.beside(file), Taxonomy.read(file)
    assert history.stale(first, now) == {"sport"}
    assert history.stale("1.0", now) == {"sport"}
    assert history.stale(second, now) == frozenset()
    assert history.stale(now.version, now) == frozenset()
    assert history.stale("feedbeef0000", now) is None
    assert history.stale(None, now) is None
    assert history.added_since(history.named("1.0"), now) == {"food"}


def test_a_list_that_comes_back_makes_its_labels_good_again(file):
    first = Taxonomy.read(file)
    make(file, changes.describe, "sport", {"description": "гонки"})
    second = Taxonomy.read(file).version
    with changing(file) as held:
        version = held.history.named("1.0")
        held.commit(held.history.source(version), "back", meanings=version.meanings)
    history, now = History.beside(file), Taxonomy.read(file)
    assert now == first
    assert history.stale(first.version, now) == frozenset()
    assert history.stale(second, now) == {"sport"}
    assert numbers(file) == ["1.0", "2.0", "3.0"]


def test_what_a_hand_changed_is_recorded_before_the_next_change(file):
    make(file, changes.add, Category(key="food", description="супы"))
    file.write_text(file.read_text(encoding="utf-8").replace("матчи", "турниры"), encoding="utf-8")
    assert History.beside(file).stale("1.1", Taxonomy.read(file)) == {"sport"}
    make(file, changes.add, Category(key="air", description="самолёты"))
    assert numbers(file) == ["1.0", "1.1", "2.0", "2.1"]
    assert "матчи" in History.beside(file).versions[2].change


def test_a_hand_cannot_bring_a_retired_key_back_for_something_else(file):
    make(file, changes.remove, "sport")
    file.write_text(
        file.read_text(encoding="utf-8") + "  - {key: Sport, description: охота}\n", encoding="utf-8"
    )
    with pytest.raises(TaxonomyError, match="'Sport' of a category that was removed"), changing(file):
        pass


def test_two_people_cannot_change_the_list_at_once(file):
    history_folder(file).mkdir()
    with (
        FileLock(history_folder(file) / ".lock"),
        pytest.raises(TaxonomyError, match="Somebody else is changing"),
    ):
        make(file, changes.remove, "sport")
    assert file.read_text(encoding="utf-8") == SOURCE
    make(file, changes.remove, "sport")


@pytest.mark.parametrize("step", range(4))
def test_a_kill_at_any_step_leaves_the_old_list_or_the_new_one_with_its_history(file, step, monkeypatch):
    make(file, changes.add, Category(key="food", description="супы"))
    before = file.read_bytes()
    left, replace = [step], Path.replace

    def dying(self, target):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", dying)
    with pytest.raises(KeyboardInterrupt):
        make(file, changes.rename, "sport", "races")
    monkeypatch.undo()
    made = file.read_bytes() != before
    now, history = Taxonomy.read(file), History.beside(file)
    assert made == (step == 3)
    assert history.last.digest == now.version
    assert history.last.number == ("2.0" if made else "1.1")
    assert history.last.moved == ({"sport": ("races",)} if made else {})
    with changing(file):
        pass
    assert History.beside(file).versions == history.versions, "what was begun is finished or forgotten"
    make(file, changes.add, Category(key="air", description="самолёты"))
    assert numbers(file) == ["1.0", "1.1", *(["2.0", "2.1"] if made else ["1.2"])]
    assert not (history_folder(file) / versions_module.NEXT).exists()


def test_files_that_are_gone_or_were_changed_are_told(file):
    make(file, changes.remove, "sport")
    old = history_folder(file) / "1.0.yaml"
    old.write_text(SOURCE.replace("матчи", "гонки"), encoding="utf-8")
    history = History.beside(file)
    with pytest.raises(TaxonomyError, match="was changed: it is not what version 1"):
        history.source(history.named("1.0"))
    old.unlink()
    with pytest.raises(TaxonomyError, match=r"1\.0\.yaml, is gone"):
        history.source(history.named("1.0"))


def test_a_broken_history_is_told_and_models_do_without_it(file):
    make(file, changes.remove, "sport")
    (history_folder(file) / "versions.json").write_text(json.dumps([{"number": "x"}]), encoding="utf-8")
    with pytest.raises(TaxonomyError, match=r"versions\.json, cannot be read"):
        History.beside(file)
    assert shown_version(Taxonomy.read(file), file) == Taxonomy.read(file).version
