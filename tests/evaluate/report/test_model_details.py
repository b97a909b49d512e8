"""What there is to see of heads."""

from types import SimpleNamespace

import pytest

from rubricator.config import Config
from rubricator.evaluate.report.model_details import details_of

LINES = {"parts": ["lines"], "encoders": ["base"], "log_loss": 0.51234}
ALL = {"parts": ["lines", "kernel"], "encoders": ["base", "second"], "log_loss": 0.25}


def details(tmp_path, *tried):
    data = {"files": ["a.csv"], "columns": {"body": "text"}}
    config = Config.model_validate({"data": data, "evaluate": {"plots": False}})
    trained = SimpleNamespace(models={}, curve=None, facts={"heads": {"tried": list(tried)}})
    return details_of(trained, None, None, config, tmp_path)


def test_each_mix_that_was_tried_has_its_log_loss(tmp_path):
    (table,) = details(tmp_path, LINES | {"chosen": False}, ALL | {"chosen": True}).tables
    assert table.rows == (
        ("lines", "bundled", 0.5123, ""),
        ("lines, kernel", "bundled and bundled-use", 0.25, "yes"),
    )
    assert table.summary == (
        "Heads are logistic regressions and kernel ridge regression: log-loss 0.250, lines alone 0.512"
    )


def test_lines_that_stay_alone_are_not_held_against_themselves(tmp_path):
    (table,) = details(tmp_path, LINES | {"chosen": True}, ALL | {"chosen": False}).tables
    assert table.summary == "Heads are logistic regressions: log-loss 0.512"


@pytest.mark.parametrize("facts", [{}, {"heads": {"c": [1.0]}}])
def test_without_a_mix_there_is_no_table(tmp_path, facts):
    trained = SimpleNamespace(models={}, curve=None, facts=facts)
    data = {"files": ["a.csv"], "columns": {"body": "text"}}
    config = Config.model_validate({"data": data, "evaluate": {"plots": False}})
    assert details_of(trained, None, None, config, tmp_path).tables == ()
