"""What is in flight comes down, whatever happens around it."""

import threading

import pytest
from scripted_server import question

from rubricator.errors import EngineError
from rubricator.llm.engines.concurrency import complete_concurrently
from rubricator.llm.engines.engine import Generation


def asking(*texts):
    return (question(text) for text in texts)


def echo(request):
    return Generation(text=request.messages[0].content)


def test_every_request_is_answered_under_its_number():
    found = dict(complete_concurrently(echo, asking(*"abcdefgh"), workers=3))
    assert [found[number].text for number in range(8)] == list("abcdefgh")
    assert not list(complete_concurrently(echo, asking(), workers=3))


def test_a_lost_engine_lets_the_finished_ones_out_and_draws_no_more():
    slow = threading.Event()
    drawn = []

    def call(request):
        text = request.messages[0].content
        if text == "b":
            raise EngineError("lost")
        if text == "a":
            slow.wait(5)
        return echo(request)

    def source():
        for text in "abcdefgh":
            drawn.append(text)
            if text == "c":
                slow.set()
            yield question(text)

    found = []
    with pytest.raises(EngineError, match="lost"):
        found.extend(complete_concurrently(call, source(), workers=3))
    assert (0, Generation(text="a")) in found
    assert len(drawn) < 8
    assert len(found) == len(drawn) - 1


def test_a_fault_of_ours_is_raised_where_it_is_seen():
    def call(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(complete_concurrently(call, asking("a"), workers=2))


def test_no_thread_stays_behind():
    before = threading.active_count()
    list(complete_concurrently(echo, asking(*"abcd"), workers=4))
    for thread in threading.enumerate():
        if thread.daemon and "_work" in thread.name:
            thread.join(5)
    assert threading.active_count() <= before
