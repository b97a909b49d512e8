"""The commands that a report ends with work as they stand there."""

import html
import re
import shlex
from pathlib import Path

import pytest
from commands import overrides, rubricator
from small_project import TEXTS, project


@pytest.mark.slow
def test_what_the_report_says_to_do_next_can_be_typed(tmp_path: Path) -> None:
    project(tmp_path, single=False)
    settings = overrides("evaluate.bootstrap=100", "evaluate.latency_seconds=0.1", "label.agreement=majority")
    done = rubricator("run", "-c", "rubricator.yaml", *settings, "--out", "my run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "my run/report.html").read_text(encoding="utf-8")
    section = page[page.index("What now</h2>") :].partition("</section>")[0]
    commands = [shlex.split(html.unescape(one)) for one in re.findall(r"<pre>(.*?)</pre>", section)]
    assert [command[1] for command in commands] == ["review", "label", "predict", "serve"]
    (tmp_path / "YOUR.csv").write_text("text\n" + "\n".join(f'"{text}"' for text in TEXTS), encoding="utf-8")
    for command in commands[:3]:
        # Nobody sits at the terminal of a test.
        more = ["--export", "batch.csv"] if command[1] == "review" else []
        done = rubricator(*command[1:], *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "predictions.csv").is_file()
    assert (tmp_path / "my run/label-report.html").is_file()
