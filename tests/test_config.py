import json
import time
from pathlib import Path

import pytest
import yaml

from rubricator.config import Config, read_config, shown_arguments
from rubricator.errors import ConfigError

SMALL = {"data": {"files": ["a.csv"], "columns": {"body": "text"}}}


def written(folder: Path, content: object) -> Path:
    path = folder / "rubricator.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return path


def test_all_faults_come_together_with_place_and_nearest_key(tmp_path: Path) -> None:
    faulty = {
        "data": {"files": ["a.csv"], "columns": {"bodi": "text"}},
        "clen": {},
        "label": {"teachers": ["encoder", {"kind": "rules", "nam": "r"}]},
        "split": {"test": 2},
    }
    with pytest.raises(ConfigError) as caught:
        read_config(written(tmp_path, faulty))
    said = caught.value.problem
    assert "4 faults" in said
    assert "data.columns.bodi: unknown key (did you mean 'body'?)" in said
    assert "clen: unknown key (did you mean 'clean'?)" in said
    assert "label.teachers.1.rules.nam: unknown key (did you mean 'name'?)" in said
    assert "split.test: Input should be less than 1 (found 2)" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- a list", "holds no settings"),
        ("", "holds no settings"),
        ("a: [", "cannot be read as YAML"),
        ("data: {files: [a.csv], columns: {id: n}}", "name the column that holds the text"),
        ("data: {files: [], columns: {body: t}}", "data.files"),
        ("name: ../escape\ndata: {files: [a], columns: {body: t}}", "name"),
    ],
)
def test_unusable_configs_are_refused(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_config(written(tmp_path, content))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            {"monitor": {"window": "fortnight"}},
            "monitor.window: write `day`, `week`, or a number of predictions",
        ),
        ({"monitor": {"window": 10}}, "fewer than 50 tell nothing (found 10)"),
        (
            {"monitor": {"quiet_hours": "22-8"}},
            "monitor.quiet_hours: write hours as 22:00-08:00 (found '22-8')",
        ),
        (
            {"monitor": {"quiet_hours": "25:00-26:00"}},
            "monitor.quiet_hours: a day has the hours 00:00 to 23:59",
        ),
        ({"goals": [{"name": "feeds", "metric": "m"}, {"name": "x"}]}, "goals.x.metric: is required"),
        ({"goals": [{"name": "feeds", "metric": "read to end"}]}, "goals.feeds.metric: use 1 to 80 letters"),
        (
            {"goals": [{"name": "two words", "metric": "m"}]},
            "goals.0.name: use letters, digits and the signs",
        ),
        ({"goals": ["feeds"]}, "goals.0: "),
    ],
)
def test_faults_are_sentences_and_name_what_has_a_name(tmp_path: Path, section: dict, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(written(tmp_path, SMALL | section))
    assert said in caught.value.problem
    assert "1 fault:" in caught.value.problem


def test_a_missing_config_names_the_way_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rubricator init"):
        read_config(tmp_path / "nowhere.yaml")


def test_overrides_go_in_before_checking(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL)
    config = read_config(path, ["split.test=0.4", "label.teachers=[rules]", "encode.encoder=my/model"])
    assert config.split.test == 0.4
    assert [teacher.kind for teacher in config.label.teachers] == ["rules"]
    assert config.encode.encoder == "my/model"
    with pytest.raises(ConfigError, match=r"split.tst: unknown key \(did you mean 'test'\?\)"):
        read_config(path, ["split.tst=0.4"])


@pytest.mark.parametrize("override", ["split.test", "=3", "name.sub=3", "split.test=[", "data.files.0=3"])
def test_malformed_overrides_are_refused(tmp_path: Path, override: str) -> None:
    content = {**SMALL, "name": "x"}
    with pytest.raises(ConfigError):
        read_config(written(tmp_path, content), [override])


def test_paths_start_at_the_folder_of_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = read_config(written(tmp_path, SMALL))
    assert config.path("a.csv") == tmp_path / "a.csv"
    assert config.path("/abs.csv") == Path("/abs.csv")
    monkeypatch.delenv("SOME_PLACE", raising=False)
    assert config.path("${SOME_PLACE:-sub}/a.csv") == tmp_path / "sub/a.csv"
    monkeypatch.setenv("SOME_PLACE", "/data")
    assert config.path("${SOME_PLACE:-sub}/a.csv") == Path("/data/a.csv")
    monkeypatch.delenv("SOME_PLACE")
    with pytest.raises(ConfigError, match="SOME_PLACE"):
        config.path("${SOME_PLACE}/a.csv")


def test_teachers_need_different_names(tmp_path: Path) -> None:
    content = {**SMALL, "label": {"teachers": ["rules", "rules"]}}
    with pytest.raises(ConfigError, match="share the name rules"):
        read_config(written(tmp_path, content))


@pytest.mark.parametrize("name", ["news", "reviews", "videos"])
def test_shipped_examples_are_valid_and_mention_only_real_keys(name: str) -> None:
    path = Path(__file__).parents[1] / "examples" / name / "rubricator.yaml"
    config = read_config(path)
    assert config.name == name
    assert isinstance(config, Config)


def test_every_place_starts_at_the_folder_of_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my-encoder").mkdir()
    monkeypatch.setenv("STORE", "shared/answers.sqlite")
    places = ["encode.cache=kept", "encode.encoder=my-encoder", "label.store=${STORE}"]
    config = read_config(written(tmp_path, SMALL), places)
    assert config.encoding.cache == str(tmp_path / "kept")
    assert config.encoding.encoder == str(tmp_path / "my-encoder")
    assert config.store == str(tmp_path / "shared/answers.sqlite")
    assert config.encode.encoder == "my-encoder", "what is hashed and reported is what was written"


@pytest.mark.parametrize(
    ("written_store", "place"),
    [("postgresql://me@host/db", "postgresql://me@host/db"), ("sqlite:////abs/a.db", "/abs/a.db")],
)
def test_addresses_and_absolute_paths_stay(tmp_path: Path, written_store: str, place: str) -> None:
    config = read_config(
        written(tmp_path, SMALL),
        [f"label.store={written_store}", "encode.encoder=intfloat/multilingual-e5-small"],
    )
    assert config.store == place
    assert config.encoding.encoder == "intfloat/multilingual-e5-small"
    assert config.encoding.cache is None


def test_a_teacher_whose_name_has_a_comma_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be called 'a, b'"):
        read_config(written(tmp_path, SMALL), ['label.teachers=[{kind: rules, name: "a, b"}]'])


@pytest.mark.parametrize("seed", [-1, 2**32, 10**30, "x", 1.5])
def test_seeds_out_of_range_are_refused(tmp_path: Path, seed: object) -> None:
    with pytest.raises(ConfigError, match="seed"):
        read_config(written(tmp_path, SMALL | {"seed": seed}))


def test_many_faults_are_counted_and_the_first_named(tmp_path: Path) -> None:
    started = time.process_time()
    with pytest.raises(ConfigError, match=r"20,?000 faults(.|\n)*and 19,970 more") as caught:
        read_config(written(tmp_path, SMALL | {f"key{n}": n for n in range(20_000)}))
    assert time.process_time() - started < 10
    assert len(caught.value.problem) < 3000


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("~no-such-user-here/x.csv", "home folder of a user who is not known"),
        ("n" * 300, "more than 255 bytes"),
        ("folder/" + "ы" * 128 + "/x", "more than 255 bytes"),
        ("a\0b", "or a NUL"),
    ],
)
def test_paths_that_no_system_has_are_refused(tmp_path: Path, path: str, problem: str) -> None:
    config = read_config(written(tmp_path, SMALL | {"encode": {"encoder": path, "cache": path}}))
    with pytest.raises(ConfigError, match=problem):
        config.path(path)
    with pytest.raises(ConfigError, match=problem):
        config.encoding  # noqa: B018


def test_a_long_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name: String should have at most 100 characters"):
        read_config(written(tmp_path, SMALL | {"name": "n" * 300}))


def test_a_command_is_kept_without_its_secrets() -> None:
    arguments = ["run", "-c", "a b.yaml", "--set", "label.store=postgresql://ann:hunter2@db/x"]
    arguments += ["--set=label.teachers=[{engine: {key: hunter2, model: m}}]", "--set", "split.test=0.3"]
    arguments += ["--set", "label.store=[hunter2"]
    assert shown_arguments(arguments) == (
        "run -c 'a b.yaml' --set 'label.store=\"postgresql://***@db/x\"' "
        '\'--set=label.teachers=[{"engine": {"key": "***", "model": "m"}}]\' --set split.test=0.3 '
        "--set 'label.store=***'"
    )


@pytest.mark.parametrize("models", ["hads", ["linear", "hads"]])
def test_a_kind_of_model_that_there_is_not_is_one_fault_in_words(tmp_path: Path, models: object) -> None:
    path = tmp_path / "rubricator.yaml"
    path.write_text("data: {files: [a.csv], columns: {body: text}}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(path, [f"train.models={json.dumps(models)}"])
    assert "there is no kind of model 'hads' (did you mean 'heads'?)" in str(caught.value)
    assert "literal" not in str(caught.value)
    assert "1 fault" in str(caught.value)


@pytest.mark.parametrize("teacher", ["rulez", {"kind": "rulez", "name": "mine"}])
def test_a_kind_of_teacher_that_there_is_not_is_one_fault_in_words(tmp_path: Path, teacher: object) -> None:
    path = tmp_path / "rubricator.yaml"
    path.write_text("data: {files: [a.csv], columns: {body: text}}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"there is no kind of teacher 'rulez' \(did you mean 'rules'\?\)"):
        read_config(path, [f"label.teachers={json.dumps([teacher])}"])
