"""Exploring a run at any state, and a mere file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from small_project import TEXTS, labelled, project
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.dataset.synthetic import SYNTHETIC, SyntheticText, write_synthetic
from rubricator.encode.usable import UsableEncoders
from rubricator.errors import ConfigError, DataError, EncoderError
from rubricator.explore.cautions import Caller
from rubricator.explore.known import Known
from rubricator.pipeline import explore as exploring
from rubricator.pipeline.explore import Exploration, explore, explore_files, settings_of_file
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.project.project import Project
from rubricator.records import Origin
from rubricator.taxonomy import Taxonomy


def bare(folder: Path) -> Run:
    """A project that is read and nothing more."""
    config = read_config(project(folder, single=False), [])
    run = Run(config, Taxonomy.read(config.path(config.taxonomy)), folder / "run", options="-c x.yaml")
    run_stages(run, STAGES, until="read")
    return run


def facts(found: Exploration) -> dict[str, object]:
    content = json.loads((found.folder / "explore.json").read_text(encoding="utf-8"))
    assert (found.folder / "explore.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    return content  # type: ignore[no-any-return]


def test_a_run_that_was_only_read_is_explored(tmp_path: Path) -> None:
    found = explore(bare(tmp_path), vectors=False)
    written = facts(found)
    assert written["texts"] == len(TEXTS)
    assert found.profile.categories is not None
    assert found.profile.categories.people == found.profile.categories.teachers == 0
    assert "No text is labelled by a person." in [one.problem for one in found.cautions]
    assert "Nothing was encoded" in found.profile.notes[0]


def test_labels_and_opinions_that_the_label_stage_kept_are_shown(tmp_path: Path) -> None:
    run = labelled(tmp_path, single=False)
    found = explore(run, vectors=False)
    label_set = read_labels(run.folder, files.read_dataset(run.folder), run.taxonomy)
    agreed = sum(one.origin is Origin.AGREEMENT for one in label_set.labels.values())
    assert found.profile.categories is not None
    assert found.profile.categories.teachers == agreed > 0
    assert found.profile.notes == [exploring._UNENCODED]
    assert any(found.profile.marks.values())


def test_labels_that_something_changed_under_are_told_of_and_used(tmp_path: Path) -> None:
    run = labelled(tmp_path, single=False)
    taxonomy = tmp_path / "taxonomy.yaml"
    taxonomy.write_text(taxonomy.read_text(encoding="utf-8").replace("гроза,", ""), encoding="utf-8")
    later = Run(run.config, Taxonomy.read(taxonomy), run.folder)
    notes = "\n".join(explore(later, vectors=False).profile.notes)
    assert "have changed since" in notes
    fewer = Taxonomy.read(taxonomy).model_copy(update={"categories": run.taxonomy.categories[:2]})
    other = explore(Run(run.config, fewer, run.folder), vectors=False)
    assert "of other texts or categories" in "\n".join(other.profile.notes)
    assert other.profile.categories is not None
    assert other.profile.categories.teachers == 0


def test_without_an_encoder_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise EncoderError("There is no encoder.", fix="Install one.")

    monkeypatch.setattr(exploring, "usable_encoders", none)
    found = explore(bare(tmp_path))
    assert found.profile.encoder == ""
    assert found.profile.notes == ["Nothing here that needs an encoder: There is no encoder. Install one."]
    with pytest.raises(DataError, match="no themes"):
        found.suggest_taxonomy(tmp_path / "draft.yaml")


class LettersEncoder:
    """Stands for an encoder behind its cache: vectors and tokens by letters."""

    max_tokens, positions = 20, 40

    @property
    def encoder(self) -> LettersEncoder:
        return self

    def encode(self, contents: list[str], **_: object) -> np.ndarray:
        counts = np.array([[text.lower().count(sign) + 0.1 for sign in "аоиетнср"] for text in contents])
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)

    def token_counts(self, contents: list[str]) -> np.ndarray:
        return np.array([len(text) // 2 for text in contents])


def test_with_an_encoder_tokens_themes_nearest_texts_and_synthetic_ones_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Known] = []
    usable = UsableEncoders({"base": LettersEncoder(), "second": LettersEncoder()}, ("Left out.",))  # type: ignore[dict-item]
    monkeypatch.setattr(exploring, "usable_encoders", lambda *_, **__: usable)
    monkeypatch.setattr(exploring, "known_map", lambda known, *_, **__: drawn.append(known))
    run = labelled(tmp_path, single=False)
    made = SyntheticText(
        id="s",
        content="Пирог с грозой",
        categories=("food",),
        parents=("1",),
        groups=("1",),
        making="llm",
        stage="x",
    )
    write_synthetic(run.file(SYNTHETIC), [made])
    profile = explore(run).profile
    assert profile.lengths.cut_off > 0
    assert profile.notes == ["Left out."]
    assert profile.encoder == "bundled-use"
    assert {one.key for one in profile.rare} == {"weather", "sport", "food"}
    assert all(near.labels is not None for near in profile.rare[0].nearest[:1])
    (known,) = drawn
    assert known.synthetic == [made]
    assert known.synthetic_vectors is not None
    assert known.synthetic_vectors.shape == (1, 8)


def test_what_cleaning_takes_out_is_found_told_and_taken(tmp_path: Path) -> None:
    rows = "".join(
        f'{n},"Гребцы {chr(1072 + n)}шли к бую {chr(1072 + n)}к\nЛистай «Весло»",весло\n' for n in range(30)
    )
    path = project(tmp_path, single=False)
    (tmp_path / "texts.csv").write_text("id,text,source\n" + rows, encoding="utf-8")
    columns = "data.columns={id: id, body: text, source: source}"
    config = read_config(path, [columns])
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    plain = Run(config, taxonomy, tmp_path / "plain")
    run_stages(plain, STAGES, until="read")
    (told,) = explore(plain, vectors=False).profile.boilerplate
    assert (told.example, told.texts) == ("Листай «Весло»", 30)
    assert "boilerplate" not in files.read_dataset(plain.folder).facts
    lines: list[str] = []
    taken = Run(
        read_config(path, [columns, "clean.boilerplate=true"]), taxonomy, tmp_path / "taken", say=lines.append
    )
    run_stages(taken, STAGES, until="read")
    assert files.read_dataset(taken.folder).texts[3].content == "Гребцы гшли к бую гк"
    assert any("Листай «Весло»" in line and "30 texts" in line for line in lines)
    again = explore(taken, vectors=False)
    assert again.profile.boilerplate_taken
    assert not any("repeats lines" in one.problem for one in again.cautions)


def explored(folder: Path, content: str, named: dict[str, str] | None = None, *more: str) -> Exploration:
    file = folder / "мой файл.csv"
    file.write_text(content, encoding="utf-8")
    config = settings_of_file(file, named or {}, more)
    return explore_files(config, folder / "out", options="x.csv", vectors=False)


def test_a_mere_file_is_explored_by_its_usual_columns(tmp_path: Path) -> None:
    found = explored(tmp_path, "text,label\nлещ на ужин,рыба\nборщ,суп\nуха с судаком,рыба\n")
    assert found.profile.name == "мой-файл-explore"
    assert found.profile.categories is not None
    assert {one.key: one.people for one in found.profile.categories.counts} == {"рыба": 2, "суп": 1}
    assert sorted(path.name for path in found.folder.iterdir()) == ["explore.html", "explore.json"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("отзыв;оценка\nтёплые варежки;5\nдырявое ведро;1\n", {"body": "отзыв"}),
        ("один столбец\nтёплые варежки\nдырявое ведро\n", {}),
        ("text\nа\nа\nа\n", {}),
        ("text,label\nщука,рыба\nлещ,рыба\n", {}),
        ("text,label\nщука,\nлещ,\n", {}),
        ("title,text,date\n,щука,вчера\nлещ,,2024-05-01\n", {}),
    ],
)
def test_files_that_hold_little_are_explored(content: str, named: dict[str, str], tmp_path: Path) -> None:
    found = explored(tmp_path, content, named)
    assert found.profile.categories is None
    assert found.profile.texts >= 2


def test_a_golden_set_of_categories_that_nobody_listed_is_told_of(tmp_path: Path) -> None:
    config = read_config(project(tmp_path, single=True), ["golden.file=people.csv"])
    found = explore_files(config, tmp_path / "out", options="-c x", vectors=False)
    assert any("people.csv is not read" in note for note in found.profile.notes)
    assert found.profile.categories is None


def test_what_a_file_lacks_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'отзывы' \(did you mean 'отзыв'"):
        explored(tmp_path, "отзыв,б\nа,1\n", {"body": "отзывы"})
    with pytest.raises(DataError, match="is known to hold the text") as caught:
        explored(tmp_path, "первый,второй\nа,1\n")
    assert "--text COLUMN" in caught.value.fix
    with pytest.raises(ConfigError, match="cleen"):
        explored(tmp_path, "text\nа\n", None, "cleen.html=false")
    with pytest.raises(DataError, match="There is no file"):
        settings_of_file(tmp_path / "absent.csv", {})


def test_a_draft_of_categories_can_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = explore(bare(tmp_path), vectors=False)
    rng = np.random.default_rng(3)
    middles = np.repeat(np.eye(6)[:2], 40, axis=0)
    from rubricator.explore.themes import find_themes

    contents = [f"{'вёсла и лодки' if n < 40 else 'супы и каши'} {chr(1072 + n % 32)}{n}" for n in range(80)]
    themes = find_themes(
        [str(n) for n in range(80)], contents, (middles + 0.05 * rng.normal(size=(80, 6))).astype("f4")
    )
    whole = Exploration(found.folder, found.profile, found.cautions, themes)
    whole.suggest_taxonomy(tmp_path / "draft.yaml")
    assert len(Taxonomy.read(tmp_path / "draft.yaml").keys) >= 2
    with pytest.raises(DataError, match="is there already"):
        whole.suggest_taxonomy(tmp_path / "draft.yaml")


def test_the_command_explores_settings_files_and_settings_without_categories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = str(project(tmp_path / "p", single=True))
    run = CliRunner().invoke(app, ["explore", "-c", config, "--no-vectors", "--out", "a"])
    assert run.exit_code == 0, run.output
    assert "24 texts of 24 rows" in run.output
    assert f"rubricator review -c {config} --out a" in run.output
    file = CliRunner().invoke(app, ["explore", "p/texts.csv", "--no-vectors", "--out", "b"])
    assert file.exit_code == 0, file.output
    assert Path("b/explore.html").is_file()
    Path("p/taxonomy.yaml").unlink()
    bare = CliRunner().invoke(app, ["explore", "-c", config, "--no-vectors"])
    assert bare.exit_code == 0, bare.output
    assert Path("runs/small-explore/explore.html").is_file()
    wrong = CliRunner().invoke(app, ["explore", "-c", config, "--text", "text"])
    assert wrong.exit_code == 2


def test_a_notebook_explores_too(tmp_path: Path) -> None:
    found = Project(project(tmp_path, single=False), folder=tmp_path / "run").explore(vectors=False)
    frame = found.to_frame()
    assert frame["weight"].to_list() == sorted(frame["weight"], reverse=True)
    assert found.page.is_file()
    assert "24 texts" in found.sentences()[0]
    assert "--out" in frame["commands"][0][0]


def test_commands_about_a_mere_file_are_those_that_work_without_settings() -> None:
    caller = Caller("a.csv --text x", file=True)
    assert caller.setting("read", "clean.boilerplate=true") == (
        "rubricator explore a.csv --text x --set clean.boilerplate=true"
    )
    assert caller.command("review") == "rubricator init mine"
