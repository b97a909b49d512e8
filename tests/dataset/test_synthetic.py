from pathlib import Path

from rubricator.dataset.synthetic import SyntheticText, read_synthetic, write_synthetic


def _text(id_: str, *groups: str) -> SyntheticText:
    return SyntheticText(
        id=id_,
        content="Сапоги промокли\u2028в первый же день",
        categories=("shoes",),
        parents=tuple(f"parent of {group}" for group in groups),
        groups=groups,
        making="llm",
        stage="restyle",
        verdicts={"language": "ru", "likeness": 0.5},
    )


def test_synthetic_texts_come_back_as_they_were(tmp_path: Path) -> None:
    texts = [_text("s1", "a"), _text("s2", "a", "b")]
    write_synthetic(tmp_path / "texts.jsonl", texts)
    assert read_synthetic(tmp_path / "texts.jsonl") == texts


def test_no_file_holds_no_texts(tmp_path: Path) -> None:
    assert read_synthetic(tmp_path / "texts.jsonl") == []


def test_one_parent_held_out_is_enough_to_leave_a_text_out() -> None:
    child = _text("s", "a", "b")
    assert child.without_relatives_in({"c"})
    assert not child.without_relatives_in({"b", "c"})
