from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.records import Prediction, Text
from rubricator.serve.batcher import Batcher, ClosedError, QueueFullError


def texts_of(*bodies):
    return [Text(id=body, body=body) for body in bodies]


class Model:
    """Echoes ids; waits while `free` is not set; fails on a text that says so."""

    def __init__(self):
        self.batches = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, texts):
        assert self.free.wait(10)
        self.batches.append([text.id for text in texts])
        if any(text.body == "poison" for text in texts):
            raise RuntimeError("poisoned")
        return [
            Prediction(text_id=t.id, categories=(), probabilities={}, model="m", taxonomy_version="v")
            for t in texts
        ]


def batcher_of(model, batch_texts=4, queue_texts=8, observe=lambda size: None, clean=list, characters=1000):
    return Batcher(
        clean,
        model,
        batch_texts=batch_texts,
        batch_characters=characters,
        queue_texts=queue_texts,
        observe=observe,
    )


async def ids(batcher, *bodies):
    return [p.text_id for p in await batcher.submit(texts_of(*bodies))]


def run(coroutine):
    """Run it, but not for ever."""

    async def limited():
        async with asyncio.timeout(10):
            return await coroutine

    return asyncio.run(limited())


async def settled():
    """Let every task that can go on go on, threads too."""
    await asyncio.sleep(0.05)


def test_requests_that_come_while_the_model_works_share_a_batch():
    async def go():
        model, sizes = Model(), []
        model.free.clear()
        async with batcher_of(model, observe=sizes.append) as batcher:
            first = asyncio.create_task(ids(batcher, "a"))
            await settled()
            rest = [asyncio.create_task(ids(batcher, *bodies)) for bodies in (["b"], ["c", "d"], ["e", "f"])]
            await settled()
            assert batcher.waiting == 5
            model.free.set()
            assert await asyncio.gather(first, *rest) == [["a"], ["b"], ["c", "d"], ["e", "f"]]
            assert batcher.waiting == 0
        assert model.batches == [["a"], ["b", "c", "e"], ["d", "f"]]
        assert sizes == [1, 3, 2]

    run(go())


def test_a_request_larger_than_a_batch_goes_in_several():
    async def go():
        model = Model()
        async with batcher_of(model) as batcher:
            assert await ids(batcher, *"abcdef") == list("abcdef")
        assert model.batches == [list("abcd"), list("ef")]

    run(go())


def test_a_full_queue_refuses_and_recovers():
    async def go():
        model = Model()
        model.free.clear()
        async with batcher_of(model) as batcher:
            tasks = [asyncio.create_task(ids(batcher, "x"))]
            await settled()
            tasks += [asyncio.create_task(ids(batcher, str(n))) for n in range(8)]
            await settled()
            with pytest.raises(QueueFullError):
                await batcher.submit(texts_of("one too many"))
            model.free.set()
            assert len(await asyncio.gather(*tasks)) == 9
            assert await ids(batcher, "later") == ["later"]

    run(go())


def test_one_bad_text_fails_its_own_request_only():
    async def go():
        model = Model()
        model.free.clear()
        async with batcher_of(model) as batcher:
            first = asyncio.create_task(ids(batcher, "a"))
            await settled()
            rest = [asyncio.create_task(ids(batcher, body)) for body in ("b", "poison", "c")]
            await settled()
            model.free.set()
            answers = await asyncio.gather(first, *rest, return_exceptions=True)
            assert [a for a in answers if isinstance(a, list)] == [["a"], ["b"], ["c"]]
            assert str(answers[2]) == "poisoned"
            assert await ids(batcher, "d") == ["d"]

    run(go())


def test_leaving_answers_those_who_wait_and_refuses_the_rest():
    async def go():
        model = Model()
        model.free.clear()
        batcher = batcher_of(model)
        with pytest.raises(ClosedError):
            await batcher.submit(texts_of("early"))
        async with batcher:
            tasks = [asyncio.create_task(ids(batcher, body)) for body in "abcdefg"]
            await settled()
            threading.Timer(0.05, model.free.set).start()
        assert await asyncio.gather(*tasks) == [[body] for body in "abcdefg"]
        with pytest.raises(ClosedError):
            await batcher.submit(texts_of("late"))

    run(go())


def test_a_request_given_up_is_not_classified():
    async def go():
        model = Model()
        model.free.clear()
        async with batcher_of(model) as batcher:
            first = asyncio.create_task(ids(batcher, "a"))
            await settled()
            given_up, kept = (asyncio.create_task(ids(batcher, body)) for body in "bc")
            await settled()
            given_up.cancel()
            await settled()
            assert batcher.waiting == 1
            first.cancel()
            model.free.set()
            assert await kept == ["c"]
            assert batcher.waiting == 0
        assert model.batches == [["a"], ["c"]]

    run(go())


def test_a_model_that_loses_texts_is_an_error_not_a_mix_up():
    async def go():
        async with batcher_of(lambda texts: []) as batcher:
            with pytest.raises(RuntimeError, match="0 predictions for 1 texts"):
                await batcher.submit(texts_of("a", "b"))

    run(go())


@settings(max_examples=50, deadline=None)
@given(
    requests=st.lists(st.lists(st.text(max_size=3), min_size=1, max_size=6), max_size=20),
    limit=st.integers(1, 9),
)
def test_every_request_gets_its_own_answers(requests, limit):
    async def go():
        async with batcher_of(Model(), batch_texts=limit, queue_texts=1000) as batcher:
            return await asyncio.gather(*(ids(batcher, *bodies) for bodies in requests))

    assert run(go()) == requests


def test_a_large_request_given_up_leaves_the_queue_at_once():
    async def go():
        model = Model()
        model.free.clear()
        async with batcher_of(model, queue_texts=16) as batcher:
            large = [asyncio.create_task(ids(batcher, *[name] * 8)) for name in "ab"]
            await settled()
            assert batcher.waiting == 12
            for task in large:
                task.cancel()
            await settled()
            assert batcher.waiting == 0
            small = asyncio.create_task(ids(batcher, "c"))
            model.free.set()
            assert await small == ["c"]
        assert [len(batch) for batch in model.batches] == [4, 1]

    run(go())


def test_a_large_request_shares_every_batch_with_small_ones():
    async def go():
        model = Model()
        model.free.clear()
        async with batcher_of(model, batch_texts=8, queue_texts=100) as batcher:
            large = asyncio.create_task(ids(batcher, *["large"] * 40))
            await settled()
            small = [asyncio.create_task(ids(batcher, name)) for name in "abc"]
            await settled()
            model.free.set()
            await asyncio.gather(large, *small)
        first, second, *rest = model.batches
        assert first == ["large"] * 8
        assert sorted(second) == ["a", "b", "c", "large", "large"]
        assert all(batch == ["large"] * len(batch) for batch in rest)

    run(go())


def test_a_batch_holds_so_many_characters_but_always_a_text():
    async def go():
        model = Model()
        model.free.clear()

        def clean(texts):
            return [replace(text, content=text.body) for text in texts]

        async with batcher_of(model, characters=10, clean=clean) as batcher:
            first = asyncio.create_task(ids(batcher, "a"))
            await settled()
            rest = asyncio.create_task(ids(batcher, "b" * 11, "c" * 5, "d" * 5, "e"))
            await settled()
            model.free.set()
            await asyncio.gather(first, rest)
        assert model.batches == [["a"], ["b" * 11], ["c" * 5, "d" * 5], ["e"]]

    run(go())


def test_a_long_text_that_takes_its_time_holds_up_no_short_one():
    slow = threading.Event()

    def clean(texts):
        assert len(texts[0].body) < 20_000 or slow.wait(10)
        return texts

    async def go():
        model = Model()
        async with batcher_of(model, clean=clean) as batcher:
            long = [asyncio.create_task(ids(batcher, "я" * 30_000)) for _ in range(3)]
            await settled()
            assert await ids(batcher, "short", "я" * 10, "я" * 19_000) == ["short", "я" * 10, "я" * 19_000]
            assert not any(task.done() for task in long)
            long[2].cancel()
            await settled()
            assert batcher.waiting == 2
            slow.set()
            assert await long[0] == await long[1]
        assert sum(map(len, model.batches)) == 5

    run(go())


def test_what_cannot_be_cleaned_fails_its_own_request_and_frees_its_place():
    def clean(texts):
        if texts[0].body == "slow":
            raise TimeoutError
        return texts

    async def go():
        async with batcher_of(Model(), clean=clean) as batcher:
            slow, good = asyncio.create_task(ids(batcher, "slow")), asyncio.create_task(ids(batcher, "a"))
            assert await good == ["a"]
            with pytest.raises(TimeoutError):
                await slow
            assert batcher.waiting == 0

    run(go())


@pytest.mark.parametrize("poisoned", [{5}, {0, 63}])
def test_a_text_that_the_model_refuses_costs_the_others_few_batches(poisoned):
    async def go():
        model = Model()
        model.free.clear()
        async with batcher_of(model, batch_texts=64, queue_texts=100) as batcher:
            first = asyncio.create_task(ids(batcher, "first"))
            await settled()
            bodies = ["poison" if number in poisoned else str(number) for number in range(64)]
            tasks = [asyncio.create_task(ids(batcher, body)) for body in bodies]
            await settled()
            model.free.set()
            answers = await asyncio.gather(first, *tasks, return_exceptions=True)
        failed = {number for number, answer in enumerate(answers[1:]) if isinstance(answer, RuntimeError)}
        assert failed == poisoned
        assert len(model.batches) <= 2 + 2 * 6 * len(poisoned)

    run(go())
