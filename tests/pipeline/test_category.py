"""The list of a run changes: what it costs is told, people's labels are carried over or asked for anew."""

from pathlib import Path

import pytest
from small_project import labelled, project

from rubricator.artifact import read_artifact
from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.errors import TaxonomyError
from rubricator.pipeline.category import apply_change, plan_change, roll_back, run_of_list, taxonomy_file
from rubricator.pipeline.category_teachers import teacher_effects
from rubricator.pipeline.migrate import migrate
from rubricator.pipeline.review import open_review, write_golden
from rubricator.pipeline.stage import Run, run_stages, stage_lines
from rubricator.pipeline.stages import STAGES
from rubricator.records import Origin
from rubricator.review.question import Question
from rubricator.review.reviews import read_reviews
from rubricator.review.stale import with_judged_golden
from rubricator.store import Store
from rubricator.taxonomy import Category, Taxonomy, changes
from rubricator.taxonomy.versions import History

GOLDEN = "id,labels\n0,weather\n6,sport\n12,food\n13,-\n"
TRAVEL = Category(key="travel", description="поездки, катера")


def with_golden(folder: Path, *, single: bool = False) -> Run:
    config = project(folder, single=single)
    (folder / "golden.csv").write_text(GOLDEN.replace("13,-\n", "") if single else GOLDEN, encoding="utf-8")
    config.write_text(config.read_text(encoding="utf-8") + "golden: {file: golden.csv}\n", encoding="utf-8")
    run = run_of_list(read_config(config, []), folder / "run")
    run_stages(run, STAGES, until="split")
    return run


def again(run: Run) -> Run:
    return run_of_list(run.config, run.folder)


def answer(run: Run, **labels: list[str]) -> None:
    texts = {text.id: text for text in files.read_dataset(run.folder).texts}
    with open_review(run, "Анна", labelled=False) as session:
        for id_, categories in labels.items():
            session.answer(Question(text=texts[id_.strip("t")], chosen="gain"), categories)


def stale(run: Run) -> dict[str, tuple[str, ...]]:
    with open_review(again(run), "Анна", labelled=False) as session:
        return {one.text.id: one.stale for one in session.stale_questions()}


def reviews(run: Run):
    dataset = files.read_dataset(run.folder)
    with Store.open(run.folder / "answers.sqlite") as store:
        return read_reviews(store, dataset.texts, again(run).taxonomy)


def describe(key, **fields):
    return lambda taxonomy, _: changes.describe(taxonomy, key, fields)


def test_a_plan_changes_nothing(tmp_path):
    run = with_golden(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file()}
    plan = plan_change(run, lambda taxonomy, _: changes.add(taxonomy, TRAVEL))
    assert (plan.judged_again, plan.golden, plan.heads, plan.major) == (("travel",), 4, ("travel",), False)
    assert {path: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file()} == before
    assert not (tmp_path / "taxonomy.history").exists()


def test_exactly_what_was_given_under_the_old_meaning_is_asked_for_again(tmp_path):
    run = with_golden(tmp_path)
    answer(run, t1=["weather"], t7=["sport"])
    made = apply_change(run, describe("sport", description="соревнования"), by="Борис")
    assert (made.plan.stale_reviews, made.plan.golden, made.version.number) == (2, 4, "2.0")
    assert stale(run) == dict.fromkeys(("0", "1", "6", "7", "12", "13"), ("sport",))
    answer(again(run), t1=["weather"], t8=["sport"], t0=["weather"])
    assert stale(run).keys() == {"6", "7", "12", "13"}
    with open_review(again(run), "Анна", labelled=False) as session:
        shown = {one.text.id: one for one in session.stale_questions()}
    assert (shown["7"].shown, shown["7"].suggested) == ("suggested", ("sport",))
    assert (shown["6"].shown, shown["6"].suggested) == ("blind", None), "golden labels measure"


def test_golden_labels_are_stamped_before_any_text_was_read(tmp_path):
    config = project(tmp_path, single=False)
    (tmp_path / "golden.csv").write_text(GOLDEN, encoding="utf-8")
    config.write_text(config.read_text(encoding="utf-8") + "golden: {file: golden.csv}\n", encoding="utf-8")
    run = run_of_list(read_config(config, []), tmp_path / "run")
    apply_change(run, describe("sport", description="соревнования"), by="")
    (tmp_path / "golden.csv").write_text(GOLDEN + "15,food\n", encoding="utf-8")
    run_stages(again(run), STAGES, until="split")
    assert stale(run) == dict.fromkeys(("0", "6", "12", "13"), ("sport",)), "15 came later"


def test_wording_that_means_the_same_asks_nobody(tmp_path):
    run = with_golden(tmp_path)
    answer(run, t1=["weather"])
    change = lambda taxonomy, _: changes.describe(taxonomy, "food", {"name": "Едa"}, same_meaning=True)  # noqa: E731
    made = apply_change(run, change, by="")
    assert (made.version.number, made.plan.judged_again, stale(run)) == ("1.1", (), {})


def test_a_new_category_leaves_no_old_label_whole_and_single_ones_as_they_are(tmp_path):
    for single in (False, True):
        run = with_golden(tmp_path / str(single), single=single)
        answer(run, t1=["weather"])
        apply_change(run, lambda taxonomy, _: changes.add(taxonomy, TRAVEL), by="")
        expected = {} if single else dict.fromkeys(("0", "1", "6", "12", "13"), ("travel",))
        assert stale(run) == expected


def test_reviews_follow_a_renamed_key_and_golden_files_a_map(tmp_path):
    run = with_golden(tmp_path)
    answer(run, t14=["food"], t1=["weather"])
    made = apply_change(run, lambda taxonomy, _: changes.rename(taxonomy, "food", "cooking"), by="")
    assert (made.carried, made.plan.unreadable) == (2, 1)
    assert made.map_file.read_text(encoding="utf-8") == "old\tnew\thow\nfood\tcooking\t\n"
    assert reviews(run)["14"].categories == ("cooking",)
    assert any("golden.csv" in step for step in made.next_steps())


def test_parts_of_a_split_category_are_asked_about_where_a_person_had_said_yes(tmp_path):
    run = with_golden(tmp_path)
    answer(run, t14=["food"], t1=["weather"])
    parts = [Category(key="soup", description="супы"), Category(key="cake", description="пироги")]
    made = apply_change(run, lambda taxonomy, _: changes.split(taxonomy, "food", parts), by="")
    assert reviews(run)["1"].judged == {"weather": True, "sport": False, "soup": False, "cake": False}
    assert stale(run)["14"] == ("soup", "cake")
    assert "1" not in stale(run)
    assert made.plan.heads == ("soup", "cake")


def test_a_rollback_asks_about_no_golden_label_whose_file_was_migrated_meanwhile(tmp_path):
    run = with_golden(tmp_path)
    apply_change(run, describe("sport", description="соревнования"), by="")
    made = apply_change(again(run), lambda taxonomy, _: changes.rename(taxonomy, "food", "cooking"), by="")
    migrate(again(run), made.map_file, [tmp_path / "golden.csv"])
    roll_back(again(run), "1.0", by="")
    assert stale(run) == {}


def test_a_rollback_brings_labels_and_files_back(tmp_path):
    run = with_golden(tmp_path)
    answer(run, t14=["food"])
    source = taxonomy_file(run).read_bytes()
    apply_change(run, lambda taxonomy, _: changes.rename(taxonomy, "food", "cooking"), by="")
    apply_change(again(run), describe("sport", description="соревнования"), by="")
    made = roll_back(again(run), "1.0", by="")
    assert taxonomy_file(run).read_bytes() == source
    assert (made.version.number, made.carried, stale(run)) == ("4.0", 1, {})
    assert reviews(run)["14"].categories == ("food",)
    with pytest.raises(TaxonomyError, match=r"what it was in version 1\.0 already"):
        roll_back(again(run), "1.0", by="")


def test_a_golden_file_can_be_written_with_what_was_judged_again(tmp_path):
    run = with_golden(tmp_path)
    apply_change(run, describe("sport", description="соревнования"), by="")
    answer(again(run), t6=["weather"], t0=["weather"])
    assert write_golden(again(run), tmp_path / "new.csv") == 1
    written = (tmp_path / "new.csv").read_text(encoding="utf-8").splitlines()
    assert sorted(written[1:]) == ["0,weather", "12,food", "13,-", "6,weather"]


def test_labels_of_today_are_not_needed_to_judge_again_but_else_they_are(tmp_path):
    run = labelled(tmp_path, single=False)
    answer(run, t1=["weather"])
    with Store.open(run.folder / "answers.sqlite") as store:
        assert {one.taxonomy for one in store.answers()} == {run.taxonomy.version}
    apply_change(run, describe("sport", description="соревнования"), by="")
    assert stale(run) == {"1": ("sport",)}
    run_stages(again(run), STAGES, until="label")
    labels = read_labels(run.folder, files.read_dataset(run.folder), again(run).taxonomy).labels
    assert labels["1"].origin is Origin.REVIEW, "until it is judged again it is the best there is"


def effects(taxonomy, change, **teacher):
    section = {"kind": "llm", "name": "m", "engine": {"kind": "openai", "url": "http://x/v1", "model": "m"}}
    label = {"teachers": ["encoder", "rules", section | teacher]}
    raw = {"data": {"files": ["x.csv"], "columns": {"body": "t"}}, "label": label, "folder": "."}
    from rubricator.config import Config

    return {one.teacher: one for one in teacher_effects(Config.model_validate(raw), taxonomy, change, {})}


LIST = Taxonomy.model_validate({"categories": [{"key": "a", "keywords": ["x"]}, {"key": "b"}]})


@pytest.mark.parametrize(
    ("change", "encoder", "rules", "alone", "listed"),
    [
        (changes.add(LIST, TRAVEL), True, True, ("travel",), True),
        (changes.describe(LIST, "a", {"description": "слова"}), True, False, ("a",), True),
        (changes.describe(LIST, "a", {"keywords": ("y",)}), True, True, (), False),
        (changes.describe(LIST, "a", {"exclude": ("y",)}), False, True, (), False),
        (changes.rename(LIST, "a", "c"), True, True, (), True),
    ],
)
def test_each_kind_of_teacher_is_asked_what_could_be_another(change, encoder, rules, alone, listed):
    by_itself = effects(LIST, change, task="each", questions="alone")
    assert bool(by_itself["encoder"].asks) == encoder
    assert bool(by_itself["rules"].asks) == rules
    assert by_itself["m"].asks == alone
    assert by_itself["m"].by_category
    for task in ({"task": "each"}, {"task": "explain"}, {"task": "each", "questions": True}):
        effect = effects(LIST, change, **task)["m"]
        assert effect.asks == (change.after.keys if listed else ())
        assert not effect.by_category


@pytest.mark.slow
def test_artifacts_name_the_list_by_number_and_hash(tmp_path):
    run = run_of_list(read_config(project(tmp_path, single=False), []), tmp_path / "run")
    apply_change(run, describe("food", keywords=("рецепт*", "пирог*", "суп", "тесто", "уха")), by="")
    run_stages(again(run), STAGES)
    manifest = read_artifact(run.folder / "artifact").manifest
    assert manifest.taxonomy_version == f"1.1 ({manifest.taxonomy.version})"
    assert manifest.taxonomy_version in (run.folder / "artifact/README.md").read_text(encoding="utf-8")


def test_a_golden_label_counts_again_once_it_was_judged_under_the_list_of_today(tmp_path):
    run = with_golden(tmp_path)
    apply_change(run, lambda taxonomy, _: changes.add(taxonomy, TRAVEL), by="")
    answer(again(run), t0=["weather", "travel"], t13=[])
    run_stages(again(run), STAGES, until="label")
    label_set = read_labels(run.folder, files.read_dataset(run.folder), again(run).taxonomy)
    golden = [
        id_
        for id_, origin in zip(label_set.sources.ids, label_set.sources.origin, strict=True)
        if origin == Origin.GOLDEN
    ]
    assert golden == ["0", "13"]
    assert label_set.labels["0"].categories == ("weather", "travel")
    assert "2 golden labels from before a category came" in " ".join(stage_lines(again(run), "label"))


def test_a_file_in_which_others_judged_again_settles_what_was_stale(tmp_path):
    run = with_golden(tmp_path)
    answer(run, t1=["weather"])
    with open_review(run, "Анна", labelled=False) as session:
        session.write(tmp_path / "early.csv", [Question(text=session.dataset.texts[2], chosen="gain")])
    early = (tmp_path / "early.csv").read_text(encoding="utf-8").rstrip()
    (tmp_path / "early.csv").write_text(f"{early}weather\n", encoding="utf-8")
    apply_change(run, lambda taxonomy, _: changes.add(taxonomy, TRAVEL), by="")
    assert len(stale(run)) == 5
    rows = {"0": "weather", "6": "sport,travel", "12": "food", "13": "-", "1": "weather"}
    file = tmp_path / "judged.csv"
    file.write_text("id,labels\n" + "".join(f'{id_},"{keys}"\n' for id_, keys in rows.items()), "utf-8")
    with open_review(again(run), "Анна", labelled=False) as session:
        assert session.take(file, again=True) == 5
        assert session.take(file, again=True) == 0
        assert session.stale_questions() == []
        assert session.take(tmp_path / "early.csv") == 1
        assert [one.text.id for one in session.stale_questions()] == ["2"], "nobody asked about travel"
    run_stages(again(run), STAGES, until="read")
    dataset = files.read_dataset(run.folder)
    whole, left_out = with_judged_golden(
        dataset, reviews(run), again(run).taxonomy, History.beside(taxonomy_file(run))
    )
    assert (left_out, whole.golden["6"]) == (0, ("sport", "travel"))
    apply_change(again(run), describe("food", keywords=("суп*",)), by="")
    assert stale(run).keys() == {"2"}, "keywords change no meaning"
    history = History.beside(taxonomy_file(run))
    assert with_judged_golden(dataset, reviews(run), again(run).taxonomy, history)[1] == 0
    unknown = tmp_path / "unknown.csv"
    unknown.write_text("id,labels,taxonomy\n6,sport,9.9\n", encoding="utf-8")
    with open_review(again(run), "Борис", labelled=False) as session:
        session.take(unknown, again=True)
    assert stale(run).keys() == {"2", "6"}, "nobody knows what was asked"


def test_the_same_answer_after_a_change_of_meaning_is_a_new_one(tmp_path):
    run = with_golden(tmp_path)
    file = tmp_path / "judged.csv"
    file.write_text("id,labels\n1,sport\n", encoding="utf-8")
    with open_review(run, "Анна", labelled=False) as session:
        assert session.take(file, again=True) == 1
    apply_change(run, describe("sport", description="соревнования"), by="")
    with open_review(again(run), "Анна", labelled=False) as session:
        assert "1" in {one.text.id for one in session.stale_questions()}
        assert session.take(file) == 0, "nobody says when it was given"
        assert session.take(file, again=True) == 1
        assert "1" not in {one.text.id for one in session.stale_questions()}
