from __future__ import annotations

import matplotlib as mpl
import pytest
from invented_parts import KEYS, TITLES, random_part
from matplotlib.image import imread

from rubricator.errors import DataError
from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.evaluate.plots.write import write_plots

PANELS = ["histogram", "roc", "precision-recall", "confusion", "reliability"]


def drawn(folder, titles=None, **options):
    part, rule = random_part(**options)
    titles = titles or TITLES
    return write_plots(part, measure(part, list(titles), rule=rule, bootstrap=100), titles, folder)


@pytest.mark.slow
def test_every_category_gets_every_figure(tmp_path):
    plots = drawn(tmp_path / "new" / "plots")
    assert [(plot.category, plot.kind) for plot in plots] == [
        (None, "overview"),
        (None, "coverage"),
        *((key, kind) for key in KEYS for kind in PANELS),
    ]
    assert len({plot.path for plot in plots}) == len(plots)
    assert all("Спорт: " in plot.alt for plot in plots if plot.category == "sport")
    for plot in plots:
        assert plot.path.stat().st_size < 200_000
        assert imread(plot.path).std() > 0.02, f"{plot.path.name} is empty"


@pytest.mark.slow
def test_single_label_also_gets_the_matrix_of_all_categories(tmp_path):
    assert [
        plot.kind for plot in drawn(tmp_path, single=True, shares=(0.6, 0.4), titles={"a": "А", "b": "Б"})[:3]
    ] == ["overview", "coverage", "matrix"]


@pytest.mark.slow
def test_a_category_without_texts_gets_only_what_is_defined(tmp_path):
    plots = drawn(tmp_path, shares=(0.4, 0.3, 0.0))
    assert [plot.kind for plot in plots if plot.category == "space"] == ["histogram", "confusion"]
    assert "Космос not measured" in plots[0].alt


@pytest.mark.slow
def test_hostile_names_are_drawn_and_stay_in_the_folder(tmp_path):
    titles = {"../../a": "$x^{$ <b>", "a/b": "宇宙 🚀\n\tи всё", "a:b": "д" * 500}
    plots = drawn(tmp_path / "plots", titles)
    assert {plot.path.parent for plot in plots} == {tmp_path / "plots"}
    assert len({plot.path.name for plot in plots}) == len(plots)


@pytest.mark.slow
def test_the_same_figures_give_the_same_bytes_and_leave_settings_alone(tmp_path):
    before = dict(mpl.rcParams)
    options = {"n": 40, "shares": (0.4, 0.0), "titles": {"a": "А", "b": "Б"}}
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        first = drawn(tmp_path / "a", **options)
        assert mpl.rcParams["font.size"] == 30
    second = drawn(tmp_path / "b", **options)
    assert [p.path.read_bytes() for p in first] == [p.path.read_bytes() for p in second]
    assert dict(mpl.rcParams) == before


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="plots cannot be written"):
        drawn(tmp_path / "file" / "plots")
