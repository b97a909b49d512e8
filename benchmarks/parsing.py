"""How much of real generations is read, and how much of what is read is right.

    python benchmarks/parsing.py --json benchmarks/results/parsing.json

Needs the real data (RUBRICATOR_DATA, default ../shared/data beside the project). Asks no model: the
generations are GPT-3.5's and GPT-4's sentences about SIB-200 and Qwen2-7B's JSON about reviews.
Right is measured by people's labels; unread answers count as wrong in "of all".
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from machine import ROOT, arguments, write

from rubricator.label.teachers.replay import Reply, replies_of, squeezed
from rubricator.llm.tasks.explain import Explain
from rubricator.llm.tasks.prompt import Prompt
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

DATA = Path(os.environ.get("RUBRICATOR_DATA", ROOT.parent / "shared" / "data"))
SENTENCES = [
    f"answers_gpt{version}/{language}_{script}"
    for version in ("3.5", "4")
    for language, script in (("rus", "Cyrl"), ("eng", "Latn"))
]
# What Qwen2 was told: its own numbers for the categories.
NUMBERS = {
    "0": "appliances",
    "1": "shoes",
    "2": "clothes",
    "3": "tableware",
    "4": "textile",
    "5": "kids",
    "6": "accessories",
    "7": "electronics",
    "8": "none",
}


def main() -> None:
    given = arguments(__doc__.splitlines()[0]).parse_args()
    rows = {name: sib200(DATA / "sib200" / f"{name}.tsv") for name in SENTENCES}
    rows["qwen2_answers"] = reviews()
    print(f"{'generations':<24} {'texts':>6} {'right':>7} {'right of':>9} {'unparsed':>9} {'refused':>8}")
    print(f"{'':<24} {'':>6} {'of all':>7} {'the read':>9}")
    for name, row in rows.items():
        print(line(name, row))
    write(given.json, {"rows": rows})


def sib200(path: Path) -> dict[str, Any]:
    """Free English sentences; the text may be Russian."""
    taxonomy = Taxonomy.read(ROOT / "benchmarks" / "real" / "sib200-taxonomy.yaml")
    task = Explain(taxonomy, Prompt.shipped("explain", "en"))
    table = pl.read_csv(path, separator="\t", quote_char='"')
    pairs = [(str(row[0]), row[1] or "") for row in table.select("index_id", table.columns[-1]).rows()]
    replies = replies_of(task, pairs, by_id=True)
    truth = table["category"].to_list()
    return measured([replies[name] for name, _ in pairs], truth)


def reviews() -> dict[str, Any]:
    """Qwen2's `[{"label": 7, "confidence": 95}]`; right by the people's labels on the texts in both files."""
    taxonomy = Taxonomy.read(ROOT / "examples" / "reviews" / "taxonomy.yaml")
    key_of = {category.name.casefold(): category.key for category in taxonomy.categories}
    task = Explain(taxonomy, Prompt.shipped("explain", "ru"), aliases=NUMBERS)
    table = pl.read_csv(DATA / "reviews" / "qwen2_answers.csv")
    generations = table["generation"].to_list()
    # Each row by itself: some texts come twice, with different answers.
    replies = list(
        replies_of(task, [(str(n), raw) for n, raw in enumerate(generations)], by_id=True).values()
    )
    golden = {
        squeezed(text): key_of[label.casefold()]
        for text, label in pl.read_csv(DATA / "reviews" / "golden.csv").select("text", "label").rows()
    }
    truth = [golden.get(squeezed(text)) for text in table["text"].to_list()]
    known = [key_of[name.casefold()] for name in table["category"].to_list()]
    agree = [best(reply) == key for reply, key in zip(replies, known, strict=True) if best(reply)]
    empty = [reply for reply, raw in zip(replies, generations, strict=True) if raw.strip() == "[]"]
    return {
        **measured(replies, truth),
        "read as its own column says": sum(agree) / len(agree),
        "empty": len(empty),
        "empty unparsed": sum(reply.reading.status is Status.UNPARSED for reply in empty),
    }


def best(reply: Reply) -> str | None:
    scores = reply.reading.scores
    return max(scores, key=lambda key: scores[key]) if scores else None


def measured(replies: Sequence[Reply], truth: Sequence[str | None]) -> dict[str, Any]:
    judged = [(best(reply), key) for reply, key in zip(replies, truth, strict=True) if key is not None]
    right = sum(said == key for said, key in judged)
    read = sum(said is not None for said, _ in judged)
    return {
        "texts": len(replies),
        "statuses": Counter(reply.reading.status.value for reply in replies),
        "judged": len(judged),
        "accuracy of all": right / len(judged),
        "accuracy of the read": right / read,
    }


def line(name: str, row: dict[str, Any]) -> str:
    share = {status: row["statuses"].get(status, 0) / row["texts"] for status in ("unparsed", "refused")}
    judged = "" if row["judged"] == row["texts"] else f"  (right on {row['judged']} golden)"
    return (
        f"{name:<24} {row['texts']:>6} {row['accuracy of all']:>7.3f} {row['accuracy of the read']:>9.3f} "
        f"{share['unparsed']:>9.3f} {share['refused']:>8.3f}{judged}"
    )


if __name__ == "__main__":
    main()
