"""A student and a slower model as one: who answers, and that each route says what that model alone says."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_artifacts import HashEncoder
from small_two_speed import CONTENTS, THRESHOLD, alike_of, two_speed

from rubricator.artifact import read_artifact
from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.models.registry import read_model
from rubricator.models.two_speed import REST, STUDENT, margins
from rubricator.predict import Predictor
from rubricator.predict.files import predict_file
from rubricator.taxonomy import Task


class Counting:
    """An encoder that remembers what it read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, contents):
        self.read += contents
        return HashEncoder().encode(contents)


def inputs(contents) -> Inputs:
    return Inputs(contents, encoders={BASE: HashEncoder().encode})


@pytest.mark.parametrize("single", [True, False])
def test_each_route_says_to_the_last_bit_what_its_model_alone_says(single):
    model = two_speed(single=single)
    logits, routes = model.logits(inputs(CONTENTS)), np.array(model.routes(inputs(CONTENTS)))
    assert {STUDENT, REST} == set(routes.tolist())
    for number, (name, alone) in enumerate([(STUDENT, model.student), (REST, model.rest)]):
        rows = np.flatnonzero(routes == name)
        expected = alone.logits(inputs([CONTENTS[row] for row in rows]))
        expected = expected * model.slope[number] + model.intercept[number]
        np.testing.assert_array_equal(logits[rows], expected)


@pytest.mark.parametrize("single", [True, False])
@settings(max_examples=8, deadline=None)
@given(rows=st.lists(st.integers(0, len(CONTENTS) - 1), min_size=1, max_size=9))
def test_the_texts_beside_a_text_change_neither_its_route_nor_a_bit_of_it(single, rows):
    model, together = two_speed(single=single), inputs([CONTENTS[row] for row in rows])
    for place, row in enumerate(rows):
        alone = inputs([CONTENTS[row]])
        np.testing.assert_array_equal(model.logits(alone)[0], model.logits(together)[place])
        assert model.routes(alone) == model.routes(together)[place : place + 1]


def test_the_encoder_reads_what_the_student_leaves_and_nothing_else():
    model, encode = two_speed(single=False), Counting()
    wanted = Inputs(CONTENTS, encoders={BASE: encode})
    model.logits(wanted)
    assert encode.read == [
        text for text, route in zip(CONTENTS, model.routes(wanted), strict=True) if route == REST
    ]
    nobody = Counting()
    replace(model, bar=0.0).logits(Inputs(CONTENTS, encoders={BASE: nobody}))
    assert nobody.read == []


@pytest.mark.parametrize("single", [True, False])
def test_a_higher_bar_leaves_more_to_the_encoder(single):
    bars = np.sort(alike_of(two_speed(single=single)))
    settled = [two_speed(single=single, bar=bar).settled(inputs(CONTENTS)).sum() for bar in bars.tolist()]
    assert settled == sorted(settled, reverse=True)
    assert (settled[0], settled[-1]) == (len(CONTENTS), 1)


def test_margins_are_distances_from_where_decisions_turn():
    scaled = np.array([[2.0, 0.5, -1.0]])
    np.testing.assert_allclose(margins(scaled, np.full(3, 0.5), single=False), scaled)
    np.testing.assert_allclose(margins(scaled, np.zeros(3), single=True), [[1.5, -1.5, -3.0]])
    assert np.isfinite(margins(scaled, np.array([0.0, 1.0, 0.5]), single=False)).all()


@pytest.mark.parametrize("single", [True, False])
def test_it_survives_its_files(single):
    model = two_speed(single=single)
    again = read_model(model.files())
    assert again.encoders == model.encoders == {BASE: HashEncoder.width}
    np.testing.assert_array_equal(again.logits(inputs(CONTENTS)), model.logits(inputs(CONTENTS)))
    assert again.routes(inputs(CONTENTS)) == model.routes(inputs(CONTENTS))


def changed(files, **about):
    return {**files, "model.json": json.dumps(json.loads(files["model.json"]) | about).encode()}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: changed(f, bar=1.5), "bar"),
        (lambda f: changed(f, single=True), "alike_slope has the shape"),
        (lambda f: {n: d for n, d in f.items() if not n.startswith("student/")}, "no model.json"),
        (lambda f: {**f, "third/model.json": b"{}"}, "third/model.json"),
        (
            lambda f: without(f, "encoder/") | {f"encoder/{n}": d for n, d in heads_of(2).files().items()},
            "diff",
        ),
        (
            lambda f: dict(replace(two_speed(single=False), slope=np.ones((3, 3))).files()),
            "slope has the shape",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(damage, said):
    with pytest.raises(ArtifactError, match=said):
        read_model(damage(dict(two_speed(single=False).files())))


def without(files, start):
    return {name: data for name, data in files.items() if not name.startswith(start)}


def heads_of(categories):
    return HeadsModel(np.ones((categories, HashEncoder.width)), np.zeros(categories))


def test_a_student_that_looks_through_an_encoder_is_refused():
    files = without(dict(two_speed(single=False).files()), "student/")
    files |= {f"student/{name}": data for name, data in heads_of(3).files().items()}
    with pytest.raises(ArtifactError, match="must read texts alone"):
        read_model(files)


@pytest.mark.parametrize("single", [True, False])
def test_an_artifact_serves_both_routes_and_says_which(tmp_path, make_artifact, single):
    model = two_speed(single=single)
    task = Task.SINGLE_LABEL if single else Task.MULTI_LABEL
    space = LabelSpace.of_size(3, single=single)
    rule = replace(DecisionRule.identity(space), threshold=THRESHOLD)
    folder = make_artifact(tmp_path / "two", "twospeed", task, model=model, rule=rule)
    predictor = Predictor(read_artifact(folder), {BASE: HashEncoder().encode})
    plain = DecisionRule(space, model.slope[1], model.intercept[1], THRESHOLD)
    alone = make_artifact(tmp_path / "one", "heads", task, model=model.rest, rule=plain)
    slower = Predictor(read_artifact(alone), {BASE: HashEncoder().encode})
    predictions, routes = predictor.predict(CONTENTS), model.routes(inputs(CONTENTS))
    assert [prediction.route for prediction in predictions] == list(routes)
    for prediction, other in zip(predictions, slower.predict(CONTENTS), strict=True):
        assert other.route == ""
        if prediction.route == REST:
            assert (prediction.probabilities, prediction.categories) == (
                other.probabilities,
                other.categories,
            )
    own = space.probabilities(model.student.logits(inputs(CONTENTS)) * model.slope[0] + model.intercept[0])
    mine = [row for row, route in enumerate(routes) if route == STUDENT]
    found = np.array([list(predictions[row].probabilities.values()) for row in mine])
    np.testing.assert_array_equal(found, own[mine])
    source, output = tmp_path / "texts.csv", tmp_path / "out.csv"
    source.write_text("id,title,text\n" + "".join(f'{i},,"{t}"\n' for i, t in enumerate(CONTENTS)), "utf-8")
    report = predict_file(predictor, source, output, min_probability=0.9)
    header, *rows = output.read_text(encoding="utf-8").splitlines()
    assert header.split(",")[:4] == ["id", "labels", "route", "unsure"]
    assert report.routes == {name: routes.count(name) for name in (STUDENT, REST)}
    assert sum(f",{STUDENT}," in row for row in rows) == routes.count(STUDENT)
