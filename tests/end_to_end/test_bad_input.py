"""What goes wrong at a user's desk ends with a sentence and exit code 2, and loses nothing."""

import shutil
from pathlib import Path

import pytest
from commands import rubricator
from once import made_once

CONFIG = """
name: bad
taxonomy: taxonomy.yaml
data: {files: [texts.csv], columns: {id: id, body: text}}
label: {teachers: [rules]}
train: {models: [linear]}
evaluate: {bootstrap: 100, latency_seconds: 0.5, plots: false}
"""
TAXONOMY = "categories: [{key: sport, keywords: [матч*]}, {key: culture, keywords: [музе*]}]"
ROWS = [
    "матч закончился вничью",
    "музей открыт по средам",
    "второй матч перенесли",
    "в музее ремонт",
    "на матче пели",
    "музейная ночь в мае",
    "после матча был дождь",
    "музею сто лет",
]


def write_project(folder: Path) -> None:
    (folder / "rubricator.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "taxonomy.yaml").write_text(TAXONOMY, encoding="utf-8")
    rows = [f"t{number},{text}" for number, text in enumerate(ROWS)]
    (folder / "texts.csv").write_text("id,text\n" + "\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def good_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project itself does run: what the tests below spoil is what they say."""

    def run(folder: Path) -> str:
        write_project(folder)
        done = rubricator("run", cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return made_once("good-run", run, tmp_path_factory)


@pytest.fixture
def finished(good_run: Path, tmp_path: Path) -> Path:
    """The project with its run, for one test to spoil."""
    shutil.copytree(good_run, tmp_path, dirs_exist_ok=True)
    return tmp_path


def refused(project: Path, *arguments: str) -> str:
    done = rubricator(*(arguments or ("run",)), cwd=project)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.mark.slow
def test_the_project_itself_runs(good_run: Path) -> None:
    assert (good_run / "runs/bad/artifact/manifest.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("texts.csv", None, "texts.csv"),
        ("texts.csv", "", "empty"),
        ("texts.csv", "id,txt\n1,матч\n", "did you mean 'txt'"),
        ("texts.csv", "id,text\n1,   \n2,\n", "None of the 2 rows"),
        ("taxonomy.yaml", "categories: [{key: a}, {key: a}]", "share the key 'a'"),
        ("taxonomy.yaml", "categories: [{key: ''}, {key: a}]", "categories.0.key"),
        ("taxonomy.yaml", None, "There is no taxonomy file"),
        ("rubricator.yaml", CONFIG + "splt: {}\nclen: {}", "2 faults"),
        ("rubricator.yaml", CONFIG + "golden: {file: golden.csv, use: train}", "golden.csv"),
        ("rubricator.yaml", CONFIG + "golden: {use: train}", "there are no golden texts"),
    ],
)
def test_faults_in_files_are_explained(project: Path, file: str, content: str | None, said: str) -> None:
    if content is None:
        (project / file).unlink()
    else:
        (project / file).write_text(content, encoding="utf-8")
    assert said in refused(project)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("golden", "said"),
    [
        ("id,labels\nt1,culture\nnobody,sport\n", "nobody"),
        ("id,labels\nt1,cultre\n", "did you mean 'culture'"),
    ],
)
def test_a_golden_set_that_does_not_fit_is_explained(project: Path, golden: str, said: str) -> None:
    (project / "golden.csv").write_text(golden, encoding="utf-8")
    assert said in refused(project, "run", "--set", "golden={file: golden.csv, use: train}")


@pytest.mark.slow
def test_commands_explain_what_is_missing(project: Path) -> None:
    assert "rubricator init" in refused(project, "run", "-c", "nowhere.yaml")
    assert "no stage 'trian'" in refused(project, "run", "--until", "trian")
    assert "is no artifact" in refused(project, "predict", "nowhere", "texts.csv", "-o", "out.csv")
    assert "is no artifact" in refused(project, "serve", "nowhere")
    assert "key=value" in refused(project, "run", "--set", "seed")


@pytest.mark.slow
def test_a_category_without_a_single_text_is_said_not_fatal(project: Path) -> None:
    (project / "taxonomy.yaml").write_text(
        TAXONOMY.replace("]}]", "]}, {key: space, keywords: [космодром*]}]"), encoding="utf-8"
    )
    done = rubricator("run", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "space" in (project / "runs/bad/report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_one_huge_text_is_set_aside_with_its_reason(project: Path) -> None:
    with (project / "texts.csv").open("a", encoding="utf-8") as file:
        file.write("huge," + "матч " * 2_000_000 + "\n")
    done = rubricator("run", "--until", "train", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "huge" in (project / "runs/bad/rejected.csv").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_explained(project: Path) -> None:
    (project / "file").write_text("")
    done = rubricator(
        "run", "--set", "label.teachers=[encoder]", cwd=project, RUBRICATOR_CACHE=str(project / "file/cache")
    )
    assert done.returncode == 2
    assert "RUBRICATOR_CACHE" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_tampered_artifact_is_refused(finished: Path) -> None:
    artifact = finished / "runs/bad/artifact"
    model = artifact / "model/arrays.safetensors"
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(bytes(data))
    assert "arrays.safetensors was changed" in refused(
        finished, "predict", str(artifact), "texts.csv", "-o", "out.csv"
    )
    assert not (finished / "out.csv").exists()


@pytest.mark.slow
def test_an_unknown_output_suffix_is_refused_before_any_work(finished: Path) -> None:
    said = refused(finished, "predict", "runs/bad/artifact", "texts.csv", "-o", "out.docx")
    assert ".docx" in said
