import numpy as np
import pytest

from rubricator.errors import DataError
from rubricator.evaluate.metrics.importance import TEXT, Importance, permutation_importance
from rubricator.evaluate.plots.model_plots import draw_importance

N = 120
RNG = np.random.default_rng(5)
TRUTH = np.eye(3, dtype=bool)[RNG.integers(3, size=N)]
ROWS = [{"tells": float(t.argmax()), "idle": float(i % 7)} for i, t in enumerate(TRUTH)]
GROUPS = [str(i) for i in range(N)]


def by_column(features):
    return np.eye(3, dtype=bool)[[int(row["tells"]) for row in features]]


def measured(decide, *, metric="accuracy", rows=ROWS, **more):
    found = permutation_importance(
        decide, rows, TRUTH, columns=("idle", "tells"), groups=GROUPS, metric=metric, draws=100, **more
    )
    return {one.column: one for one in found}


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "micro_f1", "weighted_f1"])
def test_a_column_that_decides_loses_all_but_chance_and_an_idle_one_nothing(metric):
    found = measured(by_column, metric=metric)
    assert found["tells"].drop == pytest.approx(2 / 3, abs=0.1)
    assert found["tells"].low < found["tells"].drop < found["tells"].high
    assert found["idle"] == Importance("idle", 0.0, 0.0, 0.0)


def test_text_does_not_matter_to_a_model_that_reads_columns_only():
    assert measured(by_column)[TEXT].drop == pytest.approx(0.0)


def test_text_is_all_to_a_model_that_reads_nothing_else():
    found = measured(lambda _features: TRUTH)
    assert found[TEXT].drop == pytest.approx(2 / 3, abs=0.1)
    assert found["tells"].drop == 0.0


def test_the_most_important_comes_first_and_the_same_seed_says_the_same():
    first, second = measured(by_column), measured(by_column)
    assert next(iter(first)) == "tells"
    assert first == second
    assert measured(by_column, seed=14)["tells"] != first["tells"]


def test_a_cell_that_a_row_lacks_moves_as_missing():
    seen = []

    def decide(features):
        seen.append([row.get("idle") for row in features])
        return TRUTH

    measured(decide, rows=[{"tells": 1.0}, *ROWS[1:]], repeats=1)
    assert sorted(cells.count(None) for cells in seen) == [1, 1, 1, 1]


def test_rows_given_are_not_changed():
    before = [dict(row) for row in ROWS]
    measured(by_column)
    assert before == ROWS


def test_no_texts_is_an_error():
    with pytest.raises(DataError, match="no texts"):
        permutation_importance(
            by_column, [], np.zeros((0, 3), bool), columns=(), groups=[], metric="accuracy"
        )


def test_the_plot_is_a_png_and_the_same_each_time(tmp_path):
    bars = [
        Importance("text", 0.31, 0.25, 0.38),
        Importance("длительность ролика", 0.07, 0.02, 0.11),
        Importance("$x$", -0.01, None, None),
    ]
    for name in ("a.png", "b.png"):
        draw_importance(bars, tmp_path / "plots" / name, metric="accuracy")
    first, second = ((tmp_path / "plots" / name).read_bytes() for name in ("a.png", "b.png"))
    assert first.startswith(b"\x89PNG")
    assert first == second


def test_a_plot_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        draw_importance([Importance("text", 0.1, 0.0, 0.2)], tmp_path / "file" / "a.png", metric="accuracy")
