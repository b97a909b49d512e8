import pytest

from rubricator.errors import ArtifactError, DataError
from rubricator.pipeline.promote import SMOKE, SmokeText, load_fit, read_smoke


def test_a_version_that_answers_as_it_must_is_fit(linear_artifact):
    smoke = [SmokeText(text="Тренер похвалил вратаря после ничьей", categories=("sport", "unknown here"))]
    assert load_fit(linear_artifact, smoke=smoke).taxonomy.keys == ("sport", "economy", "culture")


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (SmokeText(text="Тренер похвалил вратаря после ничьей", categories=("culture",)), "must get culture"),
        (SmokeText(text=" "), "text '1' is empty"),
    ],
)
def test_one_that_does_not_is_refused(linear_artifact, one, said):
    with pytest.raises(ArtifactError, match=said):
        load_fit(linear_artifact, smoke=[one])


def test_texts_are_read_from_the_registry(tmp_path):
    assert read_smoke(tmp_path) == []
    (tmp_path / SMOKE).write_text('{"text": "Гол", "categories": ["sport"]}\n', encoding="utf-8")
    assert read_smoke(tmp_path) == [SmokeText(text="Гол", categories=("sport",))]
    (tmp_path / SMOKE).write_text('{"text": "Гол"}\n{"body": 1}\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 2, is no object like"):
        read_smoke(tmp_path)
