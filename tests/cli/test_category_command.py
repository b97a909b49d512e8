"""`rubricator category` at the command line: what it says, what it leaves, how it refuses."""

from pathlib import Path

import pytest
from small_project import project
from typer.testing import CliRunner

from rubricator.artifact import ModelRegistry, read_artifact
from rubricator.cli.app import app
from rubricator.cli.commands import COMMANDS
from rubricator.config import read_config
from rubricator.pipeline.category import run_of_list
from rubricator.pipeline.stage import run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.project.project import Project
from rubricator.taxonomy import Taxonomy


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    project(tmp_path, single=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def category(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["category", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def test_a_day_after_launch(folder):
    assert "the first change begins one" in category("history").lower()
    plan = category("add", "travel", "--description", "поездки", "--keywords", "катер, мост", "--plan")
    assert "Nothing was changed" in plan
    assert "travel" not in (folder / "taxonomy.yaml").read_text(encoding="utf-8")
    said = category("add", "travel", "--description", "поездки", "--keywords", "катер, мост", "--by", "Анна")
    assert "heads to train anew: travel" in said
    assert "The list is version 1.1" in said
    category("describe", "travel", "--title", "Поездки", "--same-meaning")
    category("rename", "food", "cooking")
    category("merge", "travel", "--into", "sport")
    category("split", "cooking", "--into", "soup: супы", "--into", "cake: пироги")
    category("remove", "weather")
    assert [one.partition(" ")[0] for one in category("history").split("  ")][:1] == ["1.0"]
    assert "split 'cooking' into soup, cake" in category("history")
    assert Taxonomy.read(folder / "taxonomy.yaml").keys == ("sport", "soup", "cake")
    assert "+ soup: супы" in category("diff", "1.0")
    assert "sport" in category("list")
    category("rollback", "1.0")
    assert Taxonomy.read(folder / "taxonomy.yaml").keys == ("weather", "sport", "food")
    assert "Nothing differs" in category("diff", "1.0")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "sport"], "'sport' is taken"),
        (["add", "SPORT "], "taken"),
        (["remove", "spotr"], "did you mean 'sport'"),
        (["merge", "sport", "--into", "sport"], "merged into itself"),
        (["split", "sport"], "0 part(s)"),
        (["split", "sport", "--into", "a", "--into", "b: в"], "Nothing says what belongs in a"),
        (["rename", "sport", "food"], "is taken"),
        (["diff", "1.0"], "has no version 1.0"),
        (["rollback", "1.0"], "in version 1.0 already"),
        (["migrate", "none.tsv"], "There is no file none.tsv"),
        (["import", "none.csv"], "There is no file"),
        (["describe", "sport"], "give --description"),
        (["export", "list.doc"], "no kind of table"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(folder, arguments, said):
    before = (folder / "taxonomy.yaml").read_bytes()
    assert said in category(*arguments, code=2)
    assert (folder / "taxonomy.yaml").read_bytes() == before


def test_a_version_whose_file_is_gone_cannot_come_back(folder):
    category("remove", "weather")
    (folder / "taxonomy.history/1.0.yaml").unlink()
    assert "1.0.yaml, is gone" in category("rollback", "1.0", code=2)


@pytest.mark.parametrize("name", ["list.tsv", "list.ttl"])
def test_a_list_goes_out_and_comes_in(folder, name):
    if name.endswith("ttl"):
        pytest.importorskip("rdflib")
    category("export", name)
    assert "says nothing that the list does not" in category("import", name, code=2)
    content = (folder / name).read_text(encoding="utf-8").replace("Погода", "Небо")
    (folder / name).write_text(content, encoding="utf-8")
    assert "1 changed" in category("import", name)
    assert Taxonomy.read(folder / "taxonomy.yaml")["weather"].name == "Небо"


def test_imported_categories_join_the_list_or_take_its_place(folder):
    rows = "Unique ID,Parent,Name\nfood,,Еда\n31,food,Супы\n32,food,Пироги\n"
    (folder / "more.csv").write_text(rows, encoding="utf-8")
    category("import", "more.csv")
    assert Taxonomy.read(folder / "taxonomy.yaml").keys == ("weather", "sport", "food", "31", "32")
    category("import", "more.csv", "--replace")
    taxonomy = Taxonomy.read(folder / "taxonomy.yaml")
    assert taxonomy.keys == ("food", "31", "32")
    assert taxonomy["food"].keywords
    assert taxonomy["31"].parent == "food"


def test_a_notebook_does_the_same(folder):
    mine = Project(folder)
    plan = mine.category.add("travel", description="поездки", plan=True)
    assert plan.heads == ("travel",)
    assert mine.category.add("travel", description="поездки").version.number == "1.1"
    assert "travel" in mine.taxonomy.keys
    assert mine.category.diff("1.0") == ["+ travel: поездки"]
    assert mine.category.rollback("1.0").version.number == "2.0"
    assert mine.category.history()["number"].to_list() == ["1.0", "1.1", "2.0"]


def test_every_subcommand_teaches_with_an_example():
    group = COMMANDS["category"].load("category")
    assert len(group.commands) == 14
    for name in group.commands:
        assert "Example" in category(name, "--help"), name


def test_the_model_follows_the_list(folder):
    assert "is no artifact" in category("apply", code=2)
    done = CliRunner().invoke(app, ["run"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "nothing to apply" in category("apply", code=2)
    assert "category apply" in category(
        "add", "travel", "--description", "поездки", "--keywords", "катер, мост"
    )
    plan = category("apply", "--plan")
    assert "sport: kept bit by bit" in plan
    assert "travel: labelled, trained and calibrated" in plan
    said = category("apply")
    assert "F1 before" in said
    assert "24 texts asked about" in said


def test_one_command_from_the_change_to_a_champion(folder):
    run_all(folder)
    words = ("add", "town", "--description", "улица", "--keywords", "сосед*, мост, кот")
    plan = category(*words, "--plan")
    assert "town: labelled, trained and calibrated" in plan
    assert "24 texts asked about" in plan
    assert "the last whole run took" in plan
    said = category(*words, "--apply", "--registry", "versions", "--promote")
    assert "the same to the last bit" in said
    assert "Most worth a review" in said
    assert "rubricator review -c rubricator.yaml --ids runs/small/extension/review.txt" in said
    champion = ModelRegistry(Path("versions")).champion()
    assert champion == read_artifact(Path("runs/small/artifact")).manifest.identifier
    assert champion in said
    assert "nothing to apply" in category("apply", "--plan")
    assert "nothing to apply" in category("apply", code=2)
    asked = CliRunner().invoke(
        app, ["review", "--ids", "runs/small/extension/review.txt", "--export", "b.csv"]
    )
    assert asked.exit_code == 0, asked.output


def test_nothing_is_changed_where_the_model_could_not_follow(folder):
    before = (folder / "taxonomy.yaml").read_bytes()
    words = ("add", "town", "--description", "улица")
    assert "The list was not changed" in category(*words, "--apply", code=2)
    assert "needs --registry" in category(*words, "--apply", "--promote", code=2)
    assert "need --apply" in category(*words, "--registry", "versions", code=2)
    assert (folder / "taxonomy.yaml").read_bytes() == before


def test_what_no_text_has_is_not_learnt(folder):
    run_all(folder)
    before = read_artifact(Path("runs/small/artifact")).manifest.identifier
    said = category("add", "nobody", "--keywords", "никогданевстречалось", "--apply", code=2)
    assert "No text of the training part is labelled nobody" in said
    assert read_artifact(Path("runs/small/artifact")).manifest.identifier == before


def run_all(folder: Path) -> None:
    run = run_of_list(read_config(folder / "rubricator.yaml", []), Path("runs/small"))
    run_stages(run, STAGES)
