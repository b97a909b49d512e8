import pytest
import yaml

from rubricator.errors import ConfigError
from rubricator.taxonomy import Taxonomy
from rubricator.text_rules.rules import Rule
from rubricator.text_rules.rules_file import read_rules, rules_text, taxonomy_rules

TAXONOMY = Taxonomy.model_validate(
    {
        "task": "single-label",
        "categories": [
            {"key": "bikes", "keywords": ["велосипед*", "C++", "☂"], "patterns": [r"\d+ скорост", "(a+)+"]},
            {"key": "no", "exclude": ["самокат*"], "keywords": ["руль"]},
            {"key": "boats"},
        ],
    }
)
RULES = (
    Rule(category=0, any=("велосипед*", {"pattern": r"\d+ \"дюйм"}), unless=("лодк*",), precision=0.9),
    Rule(
        category=1,
        any=(
            {"words": ("да", "нет"), "without": ("no",)},
            {"where": {"paid": {"equals": True}, "km": {"at_least": 3.5, "below": 9.0}}},
            {"where": {"desk": "yes", "note": {"missing": True}}},
            "123",
        ),
        precision=0.8,
    ),
)
FACTS = {
    "rules": [
        {"taken": 40.0, "right": 39.0, "precision": 0.96, "at_least": 0.91},
        {"taken": 0.0, "right": 0.0, "precision": 0.5, "at_least": 0.1},
    ],
    "bar": 0.97,
    "confidence": 0.9,
    "texts_that_prove": 76,
}


def written(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_rules_come_back_as_they_were_written(tmp_path):
    text = rules_text(RULES, TAXONOMY, FACTS)
    back = read_rules(written(tmp_path, text), TAXONOMY)
    assert [(r.category, r.any, r.unless) for r in back] == [(r.category, r.any, r.unless) for r in RULES]
    assert "takes 40 labelled texts, right on 39" in text
    assert "takes none of the labelled texts" in text


def test_long_lists_are_broken_into_lines(tmp_path):
    words = tuple(f"слово{number}*" for number in range(100))
    rule = Rule(category=0, any=words)
    text = rules_text([rule], TAXONOMY, FACTS | {"rules": FACTS["rules"][:1]})
    assert max(map(len, text.splitlines())) < 120
    assert read_rules(written(tmp_path, text), TAXONOMY)[0].any == rule.any


def test_no_rule_is_a_file_that_says_why(tmp_path):
    text = rules_text([], TAXONOMY, FACTS | {"rules": []})
    assert "must take 76 labelled texts" in text
    assert read_rules(written(tmp_path, text), TAXONOMY) == ()


def test_every_fault_is_named_with_its_rule_and_line(tmp_path):
    text = """\
rules:
  - category: bike
    any: [руль]
  - category: boats
    any:
      - {pattern: '(x+)+'}
      - весло
      - {word: вёсла}
  - any: []
    unles: [парус]
  - just a word
  - category: boats
    any: [парус]
    precision: 0.99
"""
    with pytest.raises(ConfigError) as caught:
        read_rules(written(tmp_path, text), TAXONOMY)
    said = caught.value.problem
    assert "rule 1 (line 2), category: there is no 'bike' in the taxonomy (did you mean 'bikes'?)" in said
    assert "rule 2 (line 4), any.0.pattern: a repeated group holds" in said
    assert "rule 2 (line 4), any.2.word: unknown key (did you mean 'words'?)" in said
    assert "rule 3 (line 9), category: is required" in said
    assert "rule 3 (line 9), unles: unknown key (did you mean 'unless'?)" in said
    assert "rule 3 (line 9), any: " in said
    assert "rule 4 (line 11), a rule was expected" in said
    assert "rule 5 (line 12), precision: cannot be said, it is measured" in said


@pytest.mark.parametrize(
    "text", ["", "rules: word", "- category: boats", "rules: []\nmore: 1", "rules: [", "\tx"]
)
def test_what_is_no_file_of_rules(tmp_path, text):
    with pytest.raises(ConfigError, match=r"rules\.yaml"):
        read_rules(written(tmp_path, text), TAXONOMY)


def test_no_such_file(tmp_path):
    with pytest.raises(ConfigError, match="There is no file of rules"):
        read_rules(tmp_path / "away.yaml", TAXONOMY)


def test_keywords_of_the_taxonomy_as_rules(caplog):
    bikes, no = taxonomy_rules(TAXONOMY)
    assert [str(condition) for condition in bikes.any] == [
        "велосипед*",
        "C++",
        "☂",
        r"/\d+ скорост/",
    ]
    assert (no.category, no.unless) == (1, ("самокат*",))
    assert "can take forever" in caplog.text


def test_the_file_is_yaml_for_any_reader():
    assert yaml.safe_load(rules_text(RULES, TAXONOMY, FACTS))["rules"][1]["category"] == "no"
