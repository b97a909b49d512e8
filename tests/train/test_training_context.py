"""What a search keeps between its trials."""

from rubricator.train.training_context import LastResult


def test_the_last_result_is_computed_once_and_only_the_last_is_kept() -> None:
    computed = []

    def compute(key: str) -> str:
        return last.of(key, lambda: computed.append(key) or key.upper())  # type: ignore[func-returns-value]

    last = LastResult()
    assert [compute(key) for key in ("a", "a", "b", "b", "a")] == ["A", "A", "B", "B", "A"]
    assert computed == ["a", "b", "a"]
