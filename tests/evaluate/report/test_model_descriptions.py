"""What reports say a model is."""

import pytest

from rubricator.evaluate.report.model_descriptions import described, parts_in_words


def part(name, share, encoder="base"):
    return {"part": name, "encoder": encoder, "share": share}


def test_lines_alone_are_called_so():
    assert described("heads", {"c": [0.1]}) == "one logistic regression per category on the encoder's vectors"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            [part("lines", 0.25), part("neighbours", 0.75)],
            "one encoder, mixed: logistic regressions 25% and nearest labelled texts 75%",
        ),
        (
            [part("lines", 0.3), part("lines", 0.2, "second"), part("description", 0.5)],
            "logistic regressions 50% and likeness to the descriptions 50%; further encoders 20%",
        ),
        (
            [part("kernel", 0.6), part("terms", 0.4, None)],
            "heads on the vectors of one encoder, mixed: kernel ridge regression 60% and TF-IDF 40%",
        ),
        ([part("terms", 1.0, None)], "heads that are TF-IDF alone"),
    ],
)
def test_a_mix_names_its_parts_with_their_shares_over_all_encoders(parts, said):
    assert described("heads", {"parts": parts}).endswith(said)


def test_shares_sum_to_a_hundred_and_name_no_part_twice():
    said = described("heads", {"parts": [part("kernel", 0.5), part("kernel", 0.5, "second")]})
    assert said.count("kernel") == 1
    assert "kernel ridge regression 100%; further encoders 50%" in said


def test_parts_are_listed_in_words():
    assert parts_in_words(["lines", "kernel"]) == "logistic regressions and kernel ridge regression"
