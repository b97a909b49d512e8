import pytest

from rubricator.errors import DataError
from rubricator.evaluate.plots.model_plots import draw_curves

HEAD = "fold,epoch,train_loss,validation_loss,weighted_f1,macro_f1,accuracy,learning_rate,seconds\n"
FOLDS = """0,1,0.9,0.7,0.70,0.60,0.72,1e-4,9.1
0,2,0.4,0.5,0.82,0.75,0.83,5e-5,9.0
0,3,0.2,0.6,0.80,0.74,0.81,1e-5,9.3
1,1,1.0,0.8,0.66,0.58,0.70,1e-4,8.8
1,2,0.5,0.6,0.78,0.70,0.80,5e-5,9.9
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "epochs.csv"
    path.write_text(HEAD + FOLDS, encoding="utf-8")
    return path


@pytest.mark.slow
def test_draws_the_same_figure_every_time(table, tmp_path):
    said = [draw_curves(table, tmp_path / "plots" / name, chosen=2) for name in ("a.png", "b.png")]
    assert said[0] == "Losses and scores over 2 epochs, mean of 2 folds: weighted F1 0.80 after 2"
    first, second = ((tmp_path / "plots" / name).read_bytes() for name in ("a.png", "b.png"))
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert first == second
    assert draw_curves(table, tmp_path / "c.png").endswith("after 2")
    assert (tmp_path / "c.png").read_bytes() != first


@pytest.mark.parametrize("content", ["", HEAD, HEAD + "0,one,1,1,1,1,1,1,1\n", HEAD + "0,1,0.8,,,,,1,1\n"])
def test_what_is_no_table_of_epochs(tmp_path, content):
    path = tmp_path / "epochs.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"epochs\.csv"):
        draw_curves(path, tmp_path / "a.png")


def test_a_folder_that_cannot_be_written(table):
    with pytest.raises(DataError, match="cannot be written"):
        draw_curves(table, table / "a.png")
