"""Texts per second from one local llama.cpp server: a token with probabilities against JSON and explanation.

    python benchmarks/labelling.py --json benchmarks/results/labelling.json

All ways ask the same server with the bundled model about the same shipped news, in turn, in every round; the
list of categories is worded anew each time, so that no way finds its prompts in the server's cache. Every way
first answers about nothing, uncounted: the server's slots have then read the list, as they have before all
but the first of many thousands. The ceiling is what the server's own rate of reading would allow if it read
nothing but each text's own part of the prompt.
"""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from machine import ROOT, arguments, write

from rubricator.config import OpenAIEngineConfig
from rubricator.encode.folders import cache_folder
from rubricator.label.teachers.llm import LlmTeacher
from rubricator.llm.engines.engine import Message, Request
from rubricator.llm.engines.gguf import bundled_model, usable_processors
from rubricator.llm.engines.llama_server import LlamaServer, ServerSettings
from rubricator.llm.engines.openai import OpenAIEngine
from rubricator.llm.tasks.choose import Choose
from rubricator.llm.tasks.prompt import Prompt
from rubricator.records import Text
from rubricator.taxonomy import Category, Task, Taxonomy

NAIVE = "JSON + explanation, one at a time"
FULL = "choose, many at a time, shared prefix"
EXPLAIN = (
    "Ответь одним объектом JSON с полями category (название категории) и explanation (объяснение выбора)."
)
ANSWER_TOKENS = 100
READ_TOKENS = 512


@dataclass(frozen=True)
class Way:
    """How texts are labelled: by one token or by JSON, how many at a time, with a prompt cache or not."""

    choose: bool
    concurrency: int
    cache: bool = True


def main() -> None:
    options = arguments(__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--texts", type=int, default=8)
    options.add_argument("--concurrency", type=int, default=4)
    options.add_argument("--threads", type=int, default=usable_processors())
    given = options.parse_args()
    ways = {
        NAIVE: Way(choose=False, concurrency=1),
        "choose, one at a time, prefix read each time": Way(choose=True, concurrency=1, cache=False),
        "choose, one at a time, shared prefix": Way(choose=True, concurrency=1),
        FULL: Way(choose=True, concurrency=given.concurrency),
    }
    file = str(bundled_model(cache_folder() / "models"))
    settings = ServerSettings(file=file, context=2048, slots=given.concurrency, threads=given.threads)
    server = LlamaServer(settings)
    try:
        found = measured(server.address, ways, given.texts, given.rounds)
    finally:
        server.stop()
    for name, row in found["ways"].items():
        print(f"{name:<45} {row['texts_per_second']:>6.2f} texts/s {row['ratio']:>6.2f} × the first")
    about = (
        f"{found['tokens_per_second']:.0f} prompt tokens/s, {found['own_tokens']:.0f} of them a text's own"
    )
    print(f"{'ceiling':<45} {found['ceiling']:>6.2f} texts/s: {about}")
    print(f"the last way reaches {found['reached']:.0%} of the ceiling")
    told = {"texts": given.texts, "rounds": given.rounds, "concurrency": given.concurrency}
    write(given.json, {**told, "threads": given.threads, **found})


def measured(address: str, ways: dict[str, Way], count: int, rounds: int) -> dict[str, Any]:
    """Medians over rounds: rates, ratios to the first way, and the share of the round's ceiling."""
    with (ROOT / "examples/news/news.csv").open(encoding="utf-8", newline="") as file:
        bodies = [row["text"] for row in csv.DictReader(file) if row["text"].strip()]
    texts = [Text(id=str(number), content=body) for number, body in enumerate(bodies)]
    rates: dict[str, list[float]] = {name: [] for name in ways}
    written: dict[str, list[float]] = {name: [] for name in ways}
    reading: list[float] = []
    own = own_tokens(address, texts[:count])
    for number in range(rounds):
        reading.append(reading_rate(address, "\n".join(bodies[count + number :])))
        for name, way in ways.items():
            ask = asker(address, way, worded(f"{number + 1}.{list(ways).index(name) + 1}"))
            ask([Text(id="nothing", content="…")] * way.concurrency)
            started = time.perf_counter()
            written[name].append(ask(texts[:count]))
            rates[name].append(count / (time.perf_counter() - started))
            print(f"round {number + 1}: {name:<45} {rates[name][-1]:>6.2f} texts/s", flush=True)
    ceilings = [rate / own for rate in reading]
    return {
        "ways": {
            name: {
                "texts_per_second": round(statistics.median(found), 3),
                "ratio": round(statistics.median(ratios(found, rates[NAIVE])), 2),
                "tokens_written": round(statistics.mean(written[name]), 1),
                "rounds": [round(rate, 3) for rate in found],
            }
            for name, found in rates.items()
        },
        "tokens_per_second": round(statistics.median(reading), 1),
        "own_tokens": round(own, 1),
        "ceiling": round(statistics.median(ceilings), 3),
        "reached": round(statistics.median(ratios(rates[FULL], ceilings)), 2),
    }


def ratios(rates: Sequence[float], others: Sequence[float]) -> list[float]:
    return [rate / other for rate, other in zip(rates, others, strict=True)]


def worded(mark: str) -> Taxonomy:
    """The shipped categories, of which a text has one; the mark makes the wording new to the server."""
    taxonomy = Taxonomy.read(ROOT / "examples/news/taxonomy.yaml")
    first, *rest = taxonomy.categories
    marked = first.model_copy(update={"name": f"{first.name} {mark}"})
    none = Category(key="none", name="Ничего из перечисленного")
    return Taxonomy(task=Task.SINGLE_LABEL, none="none", categories=(marked, *rest, none))


def asker(address: str, way: Way, taxonomy: Taxonomy) -> Callable[[Sequence[Text]], float]:
    """What labels texts in the given way, and tells how many tokens were written for each."""
    extra: dict[str, Any] = {} if way.cache else {"cache_prompt": False}
    if not way.choose:
        extra["stop"] = ["}"]
    config = OpenAIEngineConfig(
        url=f"{address}/v1",
        model="bundled",
        chat=False,
        concurrency=way.concurrency,
        timeout=600,
        extra=extra,
    )
    engine = OpenAIEngine(config)
    engine.capabilities()
    prompt = Prompt.shipped("choose", "ru")
    teacher = LlmTeacher(engine, Choose(taxonomy, prompt), calibrate=False)

    def choose(texts: Sequence[Text]) -> float:
        assert {answer.status for answer in teacher.ask(texts)} == {"ok"}
        return 1.0

    def explain(texts: Sequence[Text]) -> float:
        listed = "\n".join(f"- {category.title}: {category.description}" for category in taxonomy.categories)
        requests = [
            Request(
                messages=(
                    Message("system", f"Определи категорию текста. Категории:\n{listed}\n\n{EXPLAIN}"),
                    Message("user", f"Текст:\n{text.content}\n\nJSON:"),
                ),
                max_tokens=ANSWER_TOKENS,
            )
            for text in texts
        ]
        answers = [answer for _, answer in engine.generate(requests)]
        assert {answer.status for answer in answers} == {"ok"}
        return statistics.mean(answer.completion_tokens for answer in answers)

    return choose if way.choose else explain


def reading_rate(address: str, text: str) -> float:
    """Prompt tokens per second that the server reports for one long prompt that it has not seen."""
    with httpx.Client(base_url=address, timeout=600, trust_env=False) as client:
        tokens = client.post("/tokenize", json={"content": text}).json()["tokens"][:READ_TOKENS]
        asked = {"prompt": tokens, "n_predict": 1, "cache_prompt": False}
        rate: float = client.post("/completion", json=asked).json()["timings"]["prompt_per_second"]
    return rate


def own_tokens(address: str, texts: Sequence[Text]) -> float:
    """Mean length in tokens of the part of the prompt that only one text has."""
    with httpx.Client(base_url=address, timeout=600, trust_env=False) as client:
        counts = [
            len(client.post("/tokenize", json={"content": f"{text.content}\n\nОтвет:\n"}).json()["tokens"])
            for text in texts
        ]
    return statistics.mean(counts)


if __name__ == "__main__":
    main()
