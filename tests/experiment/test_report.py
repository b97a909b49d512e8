"""What a report says, of whom, and which events it leaves out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.experiment.conftest import DAY, START, exposed, happened, plan_of, readers, started_of

from rubricator.errors import DataError, MissingExtraError
from rubricator.experiment import estimates
from rubricator.experiment.conclusion import change, conclusion, decision, may_stop, progress
from rubricator.experiment.events import Exposure, Outcome, save_exposures, save_outcomes
from rubricator.experiment.notes import notes
from rubricator.experiment.page import write_report, write_report_json
from rubricator.experiment.report import report, report_experiment
from rubricator.experiment.started import start_experiment
from rubricator.experiment.units import count_units
from rubricator.stats.bootstrap import Estimate


def told(plan=None, *, data=None, now=20 * DAY, units=None, **started):
    exposures, outcomes = data or readers()
    return report(
        started_of(plan or plan_of(), **started), [exposures], [outcomes], now=START + now, units=units
    )


def counted(exposures, outcomes, *, now=30 * DAY, **changes):
    return count_units(started_of(plan_of(**changes)), [exposures], [outcomes], now=START + now)


HOUR = 3600.0
ONE = exposed([("a", "control", 0.0), ("b", "treatment", HOUR)])


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (("1", "a", "click", 1.0, -2 * HOUR), "before the exposure"),
        (("1", "a", "click", 1.0, 25 * HOUR), "after the window"),
        (("1", "a", "click", 1.0, 31 * DAY), "in the future"),
        (("1", "z", "click", 1.0, 0.0), "of units that were not exposed"),
    ],
)
def test_events_that_do_not_count_are_counted(outcome, reason):
    units = counted(ONE, happened([outcome]))
    assert units.faults == {reason: 1}
    assert units.frame["ctr"].to_list() == [0.0, 0.0]


def test_outcomes_that_no_metric_reads_are_counted_by_name():
    units = counted(ONE, happened([("1", "a", "open", 1.0, 0.0), ("2", "a", "click", 1.0, 0.0)]))
    assert (units.faults, units.others, units.counted) == ({}, {"open": 1}, {"click": 1})


def test_events_count_whatever_their_order_and_once():
    rows = [
        ("2", "b", "click", 1.0, 3 * HOUR),
        ("1", "a", "click", 1.0, 2 * HOUR),
        ("2", "b", "click", 1.0, 3 * HOUR),
        ("1", "a", "click", 0.0, 2 * HOUR),
        # Clocks of two machines may be apart by seconds.
        ("3", "b", "click", 0.0, HOUR - 20),
    ]
    there, back = (counted(ONE, happened(order)) for order in (rows[:2] + rows[4:], rows[4:] + rows[1::-1]))
    assert there.frame.equals(back.frame)
    assert there.frame["ctr"].to_list() == [1.0, 1.0]
    units = counted(ONE, happened(rows))
    assert units.frame.equals(there.frame)
    assert units.faults == {"sent again": 1, "under a used id": 1}


def test_the_first_exposure_counts_and_units_in_both_arms_are_left_out():
    seen = exposed(
        [("a", "control", 500.0), ("a", "control", 0.0), ("b", "control", 0.0), ("b", "treatment", 9.0)]
    )
    units = counted(seen, happened([("1", "a", "click", 1.0, 24 * HOUR + 300)]))
    assert units.exposed == {"control": 1, "treatment": 0}
    assert units.faults == {"units in both arms": 1, "after the window": 1}


def test_exposures_before_the_start_and_after_the_end_do_not_count():
    seen = exposed([("a", "control", -DAY), ("b", "control", 0.0), ("c", "treatment", 9 * DAY)])
    started = started_of(plan_of(), stopped=START + 8 * DAY)
    units = count_units(started, [seen], [happened([])], now=START + 20 * DAY)
    assert units.exposed == {"control": 1, "treatment": 0}
    assert units.faults == {"exposed before the start": 1, "exposed after the end, or in the future": 1}


def test_a_unit_enters_when_its_window_is_over():
    assert counted(ONE, happened([]), now=24.5 * HOUR).frame["unit"].to_list() == ["a"]
    assert counted(ONE, happened([]), now=24.5 * HOUR, window_hours=100).frame.is_empty()


def test_a_clear_effect_is_adopted_and_may_stop():
    data = readers(4000, rates=(0.1, 0.2))
    found = told(data=data)
    assert decision(found) == "adopt"
    assert may_stop(found)
    assert found.goal.relative.low > 0.3
    assert found.decided is not None
    assert found.decided < START + 5 * DAY
    assert conclusion(found).startswith("Adopt the treatment: “ctr” changes by +")
    assert decision(told(data=readers(4000, rates=(0.2, 0.1)))) == "keep"
    down = plan_of(
        goal={"name": "ctr", "event": "click", "baseline": 0.1, "smallest_change": 0.2, "direction": "down"}
    )
    assert decision(told(down, data=data)) == "keep"


def test_looks_narrow_and_their_p_only_falls():
    found = told()
    widths = [look.difference.high - look.difference.low for look in found.looks]
    assert len(widths) == 5
    assert widths[-1] == min(widths)
    p_values = [look.p_value for look in found.looks]
    assert p_values == sorted(p_values, reverse=True)
    assert [look.control for look in found.looks] == sorted(look.control for look in found.looks)


def test_without_an_effect_it_goes_on_until_the_size_is_reached():
    assert decision(told(data=readers(1200))) == "go on"
    assert not may_stop(told(data=readers(1200)))
    assert "left at this rate" in conclusion(told(data=readers(1200)))
    at_end = told(data=readers(20_000))
    assert at_end.reached >= 1
    assert decision(at_end) in ("open", "no worth")
    assert may_stop(at_end)


def test_uneven_arms_block_every_conclusion(tmp_path):
    exposures, outcomes = readers(4000, rates=(0.1, 0.2))
    lost = exposures.frame.filter((pl.col("arm") == "control") | (pl.int_range(pl.len()) % 5 > 0))
    found = told(data=(type(exposures)(lost), outcomes))
    assert found.mismatch
    assert decision(found) == "invalid"
    assert conclusion(found).startswith("No conclusion: control and treatment got 2,000 and 1,600 users")
    write_report(tmp_path / "page.html", found)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "No metric is shown" in page


def test_one_arm_alone_is_a_mismatch():
    alone = exposed([(f"u{number}", "control", 0.0) for number in range(300)])
    assert decision(told(data=(alone, happened([])))) == "invalid"


@pytest.mark.parametrize("count", [2, 150])
def test_a_few_units_are_too_early(count):
    found = told(data=readers(count))
    assert decision(found) == "early"
    assert found.goal.verdict == "unmeasured"


@pytest.mark.parametrize("count", [150, 4000])
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("u1", "click", -DAY)], "counts; those that came are 1 before the exposure."),
        ([("x", "click", 0.0)] * 3, "counts; those that came are 3 of units that were not exposed."),
        ([("u1", "view", 99.0)] * 2, "counts; those that came are 2 of other metrics (view)."),
        (
            [("u1", "clik", 99.0)],
            "1 of names that no metric of the plan reads (1 clik (did you mean 'click'?))",
        ),
        (
            [("u1", "click", -DAY), ("x", "click", 0.0), ("x", "view", 0.0), ("u1", "open", 99.0)],
            "counts; those that came are 2 of units that were not exposed, 1 before the exposure and 1 of",
        ),
    ],
)
def test_where_no_outcome_counts_that_is_said_first_and_why(rows, said, count):
    plan = plan_of(guardrails=[{"name": "views", "event": "view", "worst": 0.1}])
    outcomes = happened([(None, unit, event, 1.0, after) for unit, event, after in rows])
    exposures = exposed([(f"u{n}", ("control", "treatment")[n % 2], 0.0) for n in range(count)])
    found = told(plan, data=(exposures, outcomes))
    assert (decision(found), may_stop(found)) == ("no outcome", False)
    assert conclusion(found).startswith("Nothing can be concluded: no outcome “click” of “ctr” counts")
    assert said in conclusion(found)


def test_where_none_came_though_windows_are_over_that_is_said():
    exposures, _ = readers(4000)
    found = told(data=(exposures, happened([])))
    assert "no outcome “click” of “ctr” has come. Send them" in conclusion(found)
    assert decision(told(data=(readers(40)[0], happened([])))) == "early"


def test_a_rare_outcome_that_is_not_due_yet_is_no_fault():
    rare = plan_of(
        goal={"name": "ctr", "event": "click", "baseline": 0.001, "smallest_change": 0.2},
        guardrails=[{"name": "views", "event": "view", "worst": 0.1}],
        traffic=1e6,
    )
    views = [(None, "u1", "view", 1.0, at) for at in (99.0, -DAY)]
    exposures = exposed([(f"u{n}", ("control", "treatment")[n % 2], 0.0) for n in range(400)])
    assert decision(told(rare, data=(exposures, happened(views)))) == "early"
    assert decision(told(rare, data=(exposures, happened(views[1:])))) == "no outcome"


def test_stored_outcomes_of_other_names_are_told_unless_another_experiment_reads_them(store):
    goal = {"name": "views", "event": "view", "baseline": 0.1, "smallest_change": 0.2}
    for name, changes in (("blocks", {}), ("others", {"goal": goal})):
        start_experiment(store, plan_of(name=name, layer=name, **changes), now=START)
    rows = [
        Outcome(id=event, unit="u1", event=event, value=1.0, at=START + 60)
        for event in ("click", "view", "clik")
    ]
    save_outcomes(store, rows, received=START)
    save_exposures(store, "blocks", [Exposure(unit="u1", arm="control", model="m", first=START)])
    found = report_experiment(store, plan_of(layer="blocks"), now=START + DAY)
    assert found.others == {"clik": 1}
    assert "1 of names that no metric of the plan reads (1 clik (did you mean 'click'?))" in str(notes(found))


def test_the_headline_names_who_answered_and_one_model_for_both_is_told():
    exposures, outcomes = readers(4000, rates=(0.1, 0.2))
    models = pl.when(pl.col("arm") == "control").then(pl.lit("news@1")).otherwise(pl.lit("news@2"))
    frame = exposures.frame.with_columns(model=models)
    found = told(data=(type(exposures)(frame), outcomes))
    assert conclusion(found).startswith("Adopt the treatment (news@2): “ctr”")
    assert not any("Both arms" in note for note in notes(found))
    frame = frame.with_columns(model=pl.lit("news@1"))
    same = told(data=(type(exposures)(frame), outcomes))
    assert any("Both arms were answered by news@1" in note for note in notes(same))


def test_less_than_a_week_is_noted_where_something_is_concluded():
    def short(rates):
        return any(
            "less than a week" in note for note in notes(told(data=readers(4000, rates=rates), now=6 * DAY))
        )

    assert short((0.1, 0.2))
    assert not short((0.1, 0.1))


def test_what_was_stopped_too_early_does_not_go_on():
    found = told(data=readers(50), stopped=START + 6 * DAY)
    assert conclusion(found).startswith("Too few to say anything")
    assert "Go on" not in conclusion(found)
    assert may_stop(found)


def test_nobody_exposed_and_not_started_are_said(store):
    with pytest.raises(DataError, match="was not started"):
        report_experiment(store, plan_of())
    start_experiment(store, plan_of())
    with pytest.raises(DataError, match="Nobody was exposed"):
        report_experiment(store, plan_of())


def test_guardrails_decide_against_a_better_goal():
    guard = {"name": "reading", "event": "second", "kind": "mean", "worst": 0.05}
    plan = plan_of(guardrails=[guard])
    exposures, outcomes = readers(4000, rates=(0.1, 0.2))
    rng = np.random.default_rng(4)

    def reading(factor):
        rows = exposures.frame.with_columns(
            event=pl.lit("second"),
            value=pl.Series(rng.gamma(9, 3, 4000))
            * pl.when(pl.col("arm") == "treatment").then(factor).otherwise(1),
            id=pl.lit(None, pl.String),
        ).select(outcomes.frame.columns)
        return type(outcomes)(pl.concat([outcomes.frame, rows]))

    harmed, within = (told(plan, data=(exposures, reading(factor))) for factor in (0.8, 1.0))
    assert (harmed.guardrails[0].verdict, decision(harmed)) == ("harmed", "keep")
    assert "harms “reading”" in conclusion(harmed)
    assert "It does improve “ctr”" in conclusion(harmed)
    assert (within.guardrails[0].verdict, decision(within)) == ("within", "adopt")
    assert conclusion(within).endswith("No guardrail is harmed.")


def test_other_metrics_are_corrected_for_one_another():
    metrics = [{"name": f"m{number}", "event": "click"} for number in range(4)]
    found = told(plan_of(metrics=metrics), data=readers(4000, rates=(0.1, 0.14)))
    assert [one.corrected_p for one in found.metrics] == pytest.approx([4 * found.goal.p_value] * 4, rel=1e-6)


def test_segments_and_covariates_come_from_the_table_of_units():
    plan = plan_of(
        goal={
            "name": "ctr",
            "event": "click",
            "baseline": 0.1,
            "smallest_change": 0.2,
            "covariate": "before",
        },
        segments=["device"],
    )
    exposures, outcomes = readers(4000, rates=(0.1, 0.2))
    clicked = exposures.frame["unit"].is_in(outcomes.frame["unit"].implode()).cast(pl.Float64)
    table = pl.DataFrame(
        {
            "unit": exposures.frame["unit"],
            "before": clicked + pl.Series(np.random.default_rng(1).normal(0, 0.3, 4000)),
            "device": np.where(np.arange(4000) % 4 < 2, "phone", "desk"),
        }
    )
    without, with_table = (
        told(plan, data=(exposures, outcomes), units=one) for one in (None, table.head(3900))
    )
    assert [(one.value, one.units) for one in with_table.segments] == [("desk", 1950), ("phone", 1950)]
    assert not without.segments
    width = [one.goal.difference.high - one.goal.difference.low for one in (without, with_table)]
    assert width[1] < 0.9 * width[0]
    assert any("100 units that the table of units does not have" in note for note in notes(with_table))


def test_an_aa_experiment_is_told_as_one():
    plan = plan_of(mode="aa")
    assert decision(told(plan)) == "sound"
    assert decision(told(plan, data=readers(rates=(0.1, 0.2)))) == "fault"


def test_page_and_json_say_the_same(tmp_path):
    found = told(plan_of(hypothesis="closer & <better>"), data=readers(4000, rates=(0.1, 0.2)))
    write_report(tmp_path / "page.html", found)
    write_report_json(tmp_path / "report.json", found)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    figures = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert figures["conclusion"] in page
    assert "closer &amp; &lt;better&gt;" in page
    assert figures["goal"]["relative"]["low"] == found.goal.relative.low
    assert page.count("<img") == 1
    assert figures["progress"] == progress(found)


def test_exposures_lost_and_a_late_plan_are_told():
    found = told(lost=7, frozen=START + DAY, note="enough")
    said = " ".join(notes(found))
    assert "7 exposures could not be kept" in said
    assert "after the start" in said
    assert "enough" in said


def test_the_store_keeps_each_exposure_and_outcome_once(store):
    start_experiment(store, plan_of(), now=START)
    rows = [Exposure(unit="a", arm="control", model="m@1", first=START + 50)]
    save_exposures(store, "blocks", rows)
    save_exposures(store, "blocks", [Exposure(unit="a", arm="control", model="m@1", first=START + 9)], lost=3)
    click = Outcome(id="1", unit="a", event="click", value=1.0, at=START + 60)
    other = Outcome(id="1", unit="a", event="click", value=2.0, at=START + 60)
    assert save_outcomes(store, [click, click], received=START).repeated == 1
    saved = save_outcomes(store, [other], received=START)
    assert (saved.stored, saved.contradicted) == (0, 1)
    # Sent without a time, it has that of its receipt, which is another the second time.
    untimed = [replace(click, id="2", at=START + seconds) for seconds in (70, 80)]
    assert save_outcomes(store, untimed[:1], received=START + 70).stored == 1
    assert save_outcomes(store, untimed[1:], received=START + 80).repeated == 1
    found = report_experiment(store, plan_of(), now=START + 5 * DAY)
    assert (found.exposed["control"], found.lost) == (1, 3)
    assert found.faults == {"sent again": 2, "under a used id": 1}
    assert found.models["control"] == {"m@1": 1}


def test_without_tea_tasting_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tea_tasting", None)
    with pytest.raises(MissingExtraError, match=r"rubricator\[experiment\]"):
        estimates.sample_ratio_p(1, 1, share=0.5)


def test_changes_are_written_for_people():
    assert change(Estimate(0.123, 0.044, 0.21)) == "+12% (+4.4% to +21%)"
    assert change(Estimate(None)) == "–"
