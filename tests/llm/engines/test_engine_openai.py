"""Whatever a server does, every request ends as an answer, or as a failure that says what happened."""

import itertools
import logging
import math
import threading
import time
from dataclasses import replace

import pytest
from scripted_server import Reply, in_turn, question, refused, said, serve

from rubricator.config import OpenAIEngineConfig
from rubricator.errors import EngineError
from rubricator.llm.engines import retry
from rubricator.llm.engines.engine import Generation, Message, Token
from rubricator.llm.engines.openai import OpenAIEngine
from rubricator.records import Status

CHOICES = ("A", "B", "C")


@pytest.fixture
def script():
    with serve() as served:
        yield served


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.001)


@pytest.fixture
def engine_of(script):
    opened = []

    def make(environment=None, **settings):
        defaults = {"url": script.url, "model": "small-model", "timeout": 5.0}
        engine = OpenAIEngine(OpenAIEngineConfig(**defaults | settings), environment=environment or {})
        opened.append(engine)
        return engine

    yield make
    for engine in opened:
        engine.close()


def only(engine, request=None):
    ((_, generation),) = engine.generate([request or question()])
    return generation


def test_an_answer_carries_text_tokens_cost_and_seconds(engine_of, script):
    generation = only(engine_of(price={"prompt": 1.0, "completion": 5.0}))
    assert (generation.text, generation.status) == ("A", Status.OK)
    assert (generation.prompt_tokens, generation.completion_tokens) == (10, 2)
    assert generation.cost == pytest.approx(20e-6)
    assert generation.seconds > 0
    assert script.bodies[0] == {
        "model": "small-model",
        "messages": [{"role": "user", "content": "Which letter?"}],
        "stream": False,
        "max_tokens": 4,
        "temperature": 0,
    }


def test_extra_fields_go_before_our_own(engine_of, script):
    only(engine_of(extra={"reasoning_effort": "low", "max_tokens": 900}))
    assert script.bodies[0]["reasoning_effort"] == "low"
    assert script.bodies[0]["max_tokens"] == 900


@pytest.mark.parametrize(
    "trouble",
    [
        refused(500, "out of order"),
        refused(529, "overloaded"),
        Reply({"choices": [], "filler": "x" * 200}, half=True),
        Reply(b"{not json"),
        Reply([1, 2]),
        Reply({"choices": []}),
        Reply({"error": {"message": "upstream is away"}}),
    ],
    ids=["500", "529", "half an answer", "wrong JSON", "no object", "no choices", "an error with status 200"],
)
def test_passing_trouble_is_asked_again(engine_of, script, trouble):
    script.answer = in_turn(trouble, trouble, said("B"))
    assert only(engine_of()).text == "B"
    assert len(script.bodies) == 3


def test_trouble_that_stays_fails_the_text_and_says_what_came(engine_of, script):
    script.answer = lambda body: Reply(b"<html>busy</html>")
    generation = only(engine_of(retries=2))
    assert generation.status is Status.FAILED
    assert "<html>busy</html>" in generation.text
    assert len(script.bodies) == 3


def test_a_silent_server_is_given_up_after_the_timeout(engine_of, script):
    script.answer = in_turn(Reply(silent=True), said("C"))
    generation = only(engine_of(timeout=0.3))
    assert generation.text == "C"
    assert generation.seconds > 0.3


def test_retry_after_is_obeyed(engine_of, script):
    script.answer = in_turn(refused(429, "slow down", Retry_After="0.4"), said("A"))
    assert only(engine_of()).seconds > 0.4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("-3", 0), ("86400", retry.LONGEST_RETRY_AFTER), ("soon", None), (None, None), ("nan", 0)],
)
def test_retry_after_in_seconds(header, seconds):
    assert retry.retry_after(header) == seconds


def test_retry_after_as_a_date():
    assert retry.retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry.retry_after("Wed, 21 Oct 2065 07:28:00 GMT") == retry.LONGEST_RETRY_AFTER


def test_a_rejected_text_fails_alone(engine_of, script):
    def answer(body):
        long = "long" in body["messages"][0]["content"]
        return refused(400, "maximum context length is 10 tokens") if long else said("A")

    script.answer = answer
    found = dict(engine_of().generate([question("short"), question("long"), question("short too")]))
    assert [found[i].status for i in range(3)] == [Status.OK, Status.FAILED, Status.OK]
    assert "maximum context length" in found[1].text
    assert len(script.bodies) == 3


@pytest.mark.parametrize(
    "reply",
    [
        said("", finish_reason="content_filter"),
        refused(400, "the prompt was filtered", code="content_filter"),
        said("", message={"content": None, "refusal": "I can't help with that"}),
        said("Может содержаться неточная информация.", finish_reason="blacklist"),
        Reply({"error": {"message": "filtered", "code": "content_filter"}}),
    ],
    ids=["finish reason", "error code", "refusal field", "GigaChat", "error inside a 200"],
)
def test_refusals_are_told_from_failures(engine_of, script, reply):
    script.answer = lambda body: reply
    assert only(engine_of()).status is Status.REFUSED


def test_a_wrong_key_stops_the_run_and_is_never_shown(engine_of, script):
    script.answer = in_turn(said("A"), refused(401, "bad key s3cret-value given"))
    engine = engine_of({"MY_KEY": "s3cret-value"}, key="MY_KEY", concurrency=1)
    found = []
    with pytest.raises(EngineError) as caught:
        found.extend(engine.generate([question()] * 50))
    assert len(found) == 1
    assert "MY_KEY" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert script.headers[0]["Authorization"] == "Bearer s3cret-value"
    assert len(script.bodies) == 2


def test_a_missing_key_is_named_before_anything_is_sent(engine_of, script):
    with pytest.raises(EngineError, match="MY_KEY is not set"):
        engine_of({}, key="MY_KEY").capabilities()
    assert not script.bodies


def test_an_unknown_model_is_answered_with_those_there_are(engine_of, script):
    script.probe = lambda body: refused(404, "model not found")
    with pytest.raises(EngineError, match="did you mean 'small-model'") as caught:
        engine_of(model="smal-model").capabilities()
    assert "large-model" in str(caught.value)


def test_an_address_without_the_protocol_is_explained(engine_of, script):
    script.probe = lambda body: refused(404, "nothing here")
    script.pages.clear()
    with pytest.raises(EngineError, match="ends where /chat/completions begins"):
        engine_of().capabilities()


def test_nothing_listening_is_said_at_once(engine_of):
    with pytest.raises(EngineError, match="Nothing answers at http://127"):
        engine_of({"PORT": "9"}, url="http://127.0.0.1:${PORT}/v1").capabilities()


def test_a_server_that_goes_away_stops_the_run(engine_of, script):
    """Five requests in a row without an answer are enough; what was answered before is kept."""
    script.answer = in_turn(said("A"), said("B"), refused(503, "gone"))
    found = []
    with pytest.raises(EngineError, match="does not answer"):
        found.extend(engine_of(retries=1, concurrency=2).generate(question() for _ in range(7000)))
    assert sorted(g.text for _, g in found if g.status is Status.OK) == ["A", "B"]
    assert len(script.bodies) < 20


def test_texts_that_fail_now_and_then_do_not_stop_the_run(engine_of, script):
    counter = itertools.count()
    script.answer = lambda body: refused(500, "hiccup") if next(counter) % 3 else said("A")
    found = list(engine_of(retries=0, concurrency=1).generate([question()] * 12))
    assert sum(g.status is Status.FAILED for _, g in found) == 8


def test_requests_are_in_flight_together_and_drawn_only_as_there_is_room(engine_of, script):
    together = threading.Barrier(4)
    drawn = []

    def answer(body):
        together.wait(5)
        return said("A")

    def source():
        for number in range(8):
            drawn.append(number)
            yield question()

    script.answer = answer
    engine = engine_of(concurrency=4)
    engine.capabilities()
    running = engine.generate(source())
    assert drawn == []
    next(running)
    assert len(drawn) == 4
    assert len(list(running)) == 7
    assert script.peak == 4


def test_stopping_does_not_wait_for_a_silent_server(engine_of, script):
    script.answer = in_turn(said("A"), Reply(silent=True))
    running = engine_of(concurrency=2).generate(question() for _ in range(10))
    next(running)
    began = time.monotonic()
    running.close()
    assert time.monotonic() - began < 1


def probe_of(*, fields=(), extra_says=None):
    """A server that refuses the fields named, and obeys the constraint named."""

    def probe(body):
        for name in fields:
            if name in body:
                return refused(400, f"unsupported parameter: {name}")
        if extra_says and extra_says[0] in body:
            return said(extra_says[1])
        return said("hello")

    return probe


def test_a_server_without_extras_is_asked_plainly(engine_of, script, caplog):
    script.probe = probe_of(fields=("logprobs", "structured_outputs", "guided_choice", "response_format"))
    engine = engine_of()
    with caplog.at_level(logging.INFO, "rubricator"):
        found = engine.capabilities()
    assert (found.choices, found.schema, found.logprobs, found.count) == (False, False, False, False)
    assert "supports none of what was tried" in caplog.text
    only(engine, question(choices=CHOICES, logprobs=True))
    assert set(script.bodies[0]) == {"model", "messages", "stream", "max_tokens", "temperature"}
    assert engine.count("раз") >= 2


def test_a_field_that_is_ignored_counts_as_not_supported(engine_of, script):
    found = engine_of().capabilities()
    assert (found.choices, found.schema, found.logprobs) == (False, False, False)


@pytest.mark.parametrize("field", ["structured_outputs", "guided_choice"])
def test_lists_of_choices_new_and_old(engine_of, script, field):
    script.pages["/version"] = {"version": "0.12.0"}
    script.probe = probe_of(extra_says=(field, "qzy"))
    engine = engine_of()
    found = engine.capabilities()
    assert found.choices
    assert found.about.startswith("vLLM")
    only(engine, question(choices=CHOICES))
    sent = script.bodies[0][field]
    assert sent == (list(CHOICES) if field == "guided_choice" else {"choice": list(CHOICES)})
    assert engine.count("раз два три") == 3


def test_json_schemas(engine_of, script):
    script.probe = probe_of(extra_says=("response_format", '{"qzx": "qzy"}'))
    engine = engine_of()
    assert engine.capabilities().schema
    schema = {"type": "object", "properties": {"sport": {"enum": [0, 1]}}}
    only(engine, question(schema=schema))
    assert script.bodies[0]["response_format"]["json_schema"]["schema"] == schema


def test_ollama_gets_nothing_that_openai_does_not_know(engine_of, script):
    script.pages["/api/version"] = {"version": "0.13.0"}
    probed = []
    script.probe = lambda body: probed.append(set(body)) or said("hello")
    assert engine_of().capabilities().about.startswith("Ollama")
    known = {"model", "messages", "stream", "max_tokens", "temperature", "response_format"}
    assert set().union(*probed) == known | {"logprobs", "top_logprobs"}


def test_models_that_want_other_fields_get_them(engine_of, script):
    def probe(body):
        if "max_tokens" in body:
            return refused(400, "'max_tokens' is not supported, use 'max_completion_tokens' instead.")
        if "temperature" in body:
            return refused(400, "Unsupported value: 'temperature' does not support 0.")
        if "logprobs" in body:
            return refused(400, "You are not allowed to request logprobs from this model.")
        return said("hello")

    script.probe = probe
    only(engine_of())
    assert script.bodies[0].keys() == {"model", "messages", "stream", "max_completion_tokens"}


def with_logprobs(text, top):
    listed = [{"token": token, "logprob": value} for token, value in top.items()]
    entry = {"token": text, "logprob": top[text], "top_logprobs": listed}
    return said(text, logprobs={"content": [entry]})


def test_tokens_come_with_what_stood_in_their_place(engine_of, script):
    top = {"A": -1.0, "The": -4.0}
    script.probe = lambda body: with_logprobs("A", top) if "logprobs" in body else said("hello")
    script.answer = lambda body: with_logprobs("A", top)
    engine = engine_of()
    assert engine.capabilities().logprobs
    generation = only(engine, question(choices=CHOICES, logprobs=True))
    assert (generation.tokens, generation.choices) == ((Token("A", -1.0, top),), {})
    assert only(engine, question(choices=CHOICES)).tokens == ()


@pytest.mark.parametrize(
    ("message", "reason", "expected"),
    [
        ({"content": "<think>hm</think>\n\nB"}, "stop", Generation(text="<think>hm</think>\n\nB")),
        ({"content": None, "reasoning_content": "B"}, "stop", Generation(text="B", thoughts=True)),
        ({"content": "B", "reasoning_content": "A or B"}, "stop", Generation(text="B")),
        ({"content": ""}, "stop", Generation(text="")),
        ({"content": "B. Fish because"}, "length", Generation(text="B. Fish because", cut=True)),
        ({"content": ["B"]}, "stop", Generation(text="B")),
        ({"content": [{"type": "text", "text": "B"}]}, "stop", Generation(text="B")),
        ({"content": [{"type": "text", "text": {"value": "B"}}]}, "stop", Generation(text="B")),
        ({"content": {"type": "text", "text": "B"}}, "stop", Generation(text="B")),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "A"}]},
                    {"type": "text", "text": "B"},
                ]
            },
            "stop",
            Generation(text="B"),
        ),
        ({"content": {"fish": 1}}, "stop", Generation(text='{"fish": 1}')),
        ({"content": 1}, "stop", Generation(text="1")),
        (
            {"content": None, "tool_calls": [{"function": {"name": "label", "arguments": '{"fish": 1}'}}]},
            "tool_calls",
            Generation(text='{"fish": 1}'),
        ),
        (
            {"content": "", "tool_calls": [{"function": {"arguments": {"fish": n}}} for n in (0, 1)]},
            "tool_calls",
            Generation(text='[{"fish": 0}, {"fish": 1}]'),
        ),
        (
            {"content": "", "function_call": {"arguments": {"fish": 1}}},
            "stop",
            Generation(text='{"fish": 1}'),
        ),
    ],
)
def test_what_a_message_says(engine_of, script, message, reason, expected):
    script.answer = lambda body: said("", message=message, finish_reason=reason)
    generation = only(engine_of())
    assert replace(generation, prompt_tokens=0, completion_tokens=0, seconds=0) == expected


@pytest.mark.parametrize(
    "message",
    [
        {"content": "", "reasoning_content": "perhaps A"},
        {"content": "<think>perhaps A"},
        {"content": "perhaps A</think>\n"},
        {"content": "<|channel|>analysis<|message|>perhaps A"},
    ],
)
def test_thoughts_that_the_token_limit_cut_off_are_a_failure(engine_of, script, message):
    script.answer = lambda body: said("", message=message, finish_reason="length")
    generation = only(engine_of())
    assert generation.status is Status.FAILED
    assert "still thinking" in generation.text
    assert "perhaps" not in generation.text


@pytest.mark.parametrize(
    "change",
    [
        {"logprobs": {"content": [{"token": None, "logprob": None, "top_logprobs": None}]}},
        {"logprobs": {"content": [{"logprob": -1.0}]}},
        {"logprobs": {"content": [{"token": "A", "logprob": 999}]}},
        {"logprobs": {"content": [{"token": "A", "logprob": "n/a"}]}},
        {"logprobs": {"content": [{"token": "A", "logprob": -1, "top_logprobs": [{"token": "B"}]}]}},
        {"logprobs": {"content": ["A"]}},
        {"logprobs": {"tokens": [7], "token_logprobs": [-1.0]}},
        {"message": "A"},
        {"message": {"tool_calls": 7}},
        {"error": {"message": "upstream is away", "code": 502}},
        {"finish_reason": "error"},
    ],
)
def test_a_reply_out_of_form_is_one_text_s_failure_and_never_the_run_s_end(engine_of, script, change):
    """However many there are in a row: the server is there, and the next text may be answered."""
    script.answer = in_turn(*[said("A", **change)] * 7, said("B"))
    script.probe = lambda body: with_logprobs("A", {"A": -1.0})
    engine = engine_of(retries=0, concurrency=1)
    generations = [g for _, g in engine.generate([question(logprobs=True)] * 8)]
    assert [g.status for g in generations] == [Status.FAILED] * 7 + [Status.OK]
    assert all(g.text for g in generations)


def test_usage_that_does_not_count_counts_nothing(engine_of, script):
    for usage in (
        "n/a",
        None,
        {"prompt_tokens": "n/a", "completion_tokens": -1},
        {"prompt_tokens": math.nan},
    ):
        reply = said("A")
        reply.body["usage"] = usage
        script.answer = lambda body, reply=reply: reply
        generation = only(engine_of(price={"prompt": 1.0, "completion": 5.0}))
        assert (generation.text, generation.prompt_tokens, generation.cost) == ("A", 0, 0)


def test_a_stream_of_events_is_called_so(engine_of, script):
    script.answer = lambda body: Reply(b'data: {"choices": []}\n\ndata: [DONE]\n\n')
    generation = only(engine_of(retries=0))
    assert generation.status is Status.FAILED
    assert "a stream of events, though `stream: false` was sent" in generation.text


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_model_that_gives_no_probabilities_is_asked_without(engine_of, script, status):
    script.probe = script.answer = lambda body: (
        refused(status, "You are not allowed to request logprobs from this model")
        if "logprobs" in body
        else said("B")
    )
    engine = engine_of({"MY_KEY": "key"}, key="MY_KEY")
    assert not engine.capabilities().logprobs
    assert only(engine, question(choices=CHOICES, logprobs=True)).text == "B"


def test_forbidden_is_the_key_s_fault_only_if_a_plain_request_is_forbidden_too(engine_of, script):
    script.answer = in_turn(refused(403, "your input was flagged"), said("A"))
    engine = engine_of(concurrency=1)
    generations = [g for _, g in engine.generate([question()] * 2)]
    assert [g.status for g in generations] == [Status.REFUSED, Status.OK]
    assert "flagged" in generations[0].text
    script.probe = script.answer = lambda body: refused(403, "no")
    with pytest.raises(EngineError, match="No key was sent"):
        only(engine)


def test_probabilities_out_of_form_are_none_where_the_server_is_tried_out(engine_of, script):
    script.probe = lambda body: said("hello", logprobs={"content": [{"token": None}]})
    assert not engine_of().capabilities().logprobs


def test_trouble_that_passes_does_not_keep_a_server_from_being_tried_out(engine_of, script):
    script.probe = in_turn(Reply({"error": {"message": "upstream is away"}}), said("hello"))
    assert engine_of().capabilities().about


def test_the_fingerprint_knows_the_model_and_not_the_address(engine_of):
    first = engine_of()
    assert first.fingerprint == engine_of(url="http://elsewhere/v1", concurrency=2).fingerprint
    others = [engine_of(model="large-model"), engine_of(chat=False), engine_of(extra={"top_p": 0.5})]
    assert len({first.fingerprint, *(engine.fingerprint for engine in others)}) == 4


EXAMPLES = (
    Message("system", "Letters of topics: A sport, B economy, C culture."),
    Message("user", "Text: The striker scored twice.\nTopic:"),
    Message("assistant", "A"),
    Message("user", "Text: The bank cut its rate.\nTopic:"),
)


@pytest.mark.slow
def test_a_real_server_with_a_chat_model(chatty_llama):
    engine = OpenAIEngine(OpenAIEngineConfig(url=f"{chatty_llama}/v1", model="any", concurrency=2))
    found = engine.capabilities()
    assert (found.choices, found.schema, found.logprobs, found.count) == (True, True, True, True)
    assert found.about.startswith("llama.cpp")
    schema = {"type": "object", "properties": {"спорт": {"enum": [0, 1]}, 'a "b"': {"enum": ["yes"]}}}
    asked = [
        question(messages=EXAMPLES, choices=CHOICES, logprobs=True),
        question(messages=EXAMPLES, schema=schema, max_tokens=40),
        question("word " * 2000),
        question(messages=EXAMPLES, choices=("спорт", "банк"), logprobs=True),
        question(messages=EXAMPLES, choices=("sport", "spot"), max_tokens=8),
    ]
    answers = dict(engine.generate(asked))
    assert answers[0].text in CHOICES
    assert sum(math.exp(value) for value in answers[0].choices.values()) == pytest.approx(1, abs=1e-4)
    assert answers[1].text in ('{"спорт":0,"a \\"b\\"":"yes"}', '{"спорт":1,"a \\"b\\"":"yes"}')
    assert answers[2].status is Status.FAILED
    assert "context" in answers[2].text
    assert answers[3].text in ("спорт", "банк")
    assert answers[4].text in ("sport", "spot")
    engine.close()


def test_a_temperature_is_sent_where_one_may_be_set(engine_of, script):
    list(engine_of().generate([question(temperature=0.9)]))
    assert script.bodies[0]["temperature"] == 0.9
