"""What a stage depends on in the code: everything that it loads while it works, and nothing left out."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import project

import rubricator
from rubricator import code_digest as sources
from rubricator.code_digest import imports_of, source_digest, used_modules
from rubricator.pipeline.stages import STAGES

SOURCES = Path(rubricator.__file__).parent
# Each stage works in a process that has loaded nothing of this package before.
PROGRAM = """
import importlib, json, os, sys
from pathlib import Path
import numpy, polars, pydantic, scipy.stats, sklearn.linear_model

config_file, folder, *stages = sys.argv[1:]
for module in stages:
    if os.fork() == 0:
        stage = importlib.import_module(module).STAGE
        from rubricator.config import read_config
        from rubricator.pipeline.stage import Run
        from rubricator.taxonomy import Taxonomy
        settings = ["train.models=[linear]", "evaluate.bootstrap=100", "augment={}"]
        config = read_config(Path(config_file), settings)
        run = Run(config, Taxonomy.read(config.path(config.taxonomy)), Path(folder))
        stage.depends(run)
        stage.work(run)
        stage.settled(run)
        loaded = [name for name in sys.modules if name.startswith("rubricator.")]
        print(json.dumps([module, loaded]), flush=True)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0, module
"""


def modules() -> Iterator[str]:
    for path in sorted(SOURCES.rglob("*.py")):
        parts = ("rubricator", *path.relative_to(SOURCES).with_suffix("").parts)
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.slow
def test_whatever_a_stage_loads_at_work_is_among_what_it_depends_on(tmp_path: Path) -> None:
    config = project(tmp_path, single=False)
    stages = [stage.work.__module__ for stage in STAGES]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(config), str(tmp_path / "run"), *stages],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = dict(json.loads(line) for line in done.stdout.splitlines())
    assert list(loaded) == stages
    for stage, names in loaded.items():
        assert len(names) > 10
        assert set(names) - used_modules(stage) == set(), f"{stage} uses what its digest does not cover"


@pytest.mark.slow
def test_imports_are_read_as_the_parser_reads_them() -> None:
    def named(tree: ast.AST) -> Iterator[str]:
        for node in ast.iter_child_nodes(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name.startswith("rubricator."))
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rubricator":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
                yield str(node.module)
            else:
                yield from named(node)

    names = list(modules())
    assert len(names) > 200
    for name in names:
        path = sources._path_of(name)
        assert path is not None
        parsed = set(named(ast.parse(path.read_text(encoding="utf-8")))) - {"rubricator"}
        packages = {part for part in imports_of(name) if name.startswith(f"{part}.")}
        assert imports_of(name) - packages == parsed - packages, name


def test_a_changed_file_or_template_changes_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "a/__init__.py": "",
        "a/top.py": "def work():\n    from rubricator.b.low import (  # late\n        one,\n    )\n",
        "b/__init__.py": "",
        "b/low.py": "from rubricator.c import deep\n",
        "b/page.jinja": "page",
        "b/prompts/ask.jinja": "prompt",
        "c/__init__.py": "",
        "c/deep.py": "x = 1\n",
        "c/other.py": "y = 1\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.setattr(sources, "_FOLDER", tmp_path)
    memos = (source_digest, used_modules, imports_of, sources._digest_of, sources._files_of, sources._path_of)

    def digest() -> str:
        for memo in memos:
            memo.cache_clear()
        return source_digest("rubricator.a.top")

    try:
        before = digest()
        assert digest() == before
        for name in files:
            (tmp_path / name).write_text(files[name] + "\n", encoding="utf-8")
            changed = digest() != before
            (tmp_path / name).write_text(files[name], encoding="utf-8")
            assert changed == (name != "c/other.py"), name
    finally:
        for memo in memos:
            memo.cache_clear()
