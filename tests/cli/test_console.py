"""What the terminal shows of what the library logs."""

import logging

from rubricator.cli.console import log_to


def test_a_warning_is_shown_once_and_kept_every_time(tmp_path, capsys):
    logger = logging.getLogger("rubricator.somewhere")
    with log_to(tmp_path / "run.log"):
        for _ in range(3):
            logger.warning("a column is absent")
        logger.warning("another is, too")
        logger.info("nobody need see this")
    shown = capsys.readouterr().err
    assert shown.count("a column is absent") == 1
    assert shown.count("another is, too") == 1
    assert "nobody" not in shown
    kept = (tmp_path / "run.log").read_text(encoding="utf-8")
    assert kept.count("a column is absent") == 3
    assert "nobody need see this" in kept
