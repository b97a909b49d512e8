"""A vocabulary without the pieces that texts of some scripts never need.

The table of embeddings is most of a multilingual encoder: 250,000 rows for a hundred languages.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rubricator.encode.card import GRAPH_FILE, TOKENIZER_FILE, EncoderCard
from rubricator.encode.compression.onnx_graph import read_graph
from rubricator.encode.tokenizer import encodings, read_tokenizer
from rubricator.errors import EncoderError
from rubricator.records import content_hash
from rubricator.stats.arrays import Indices

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MAIN_SHARE = 0.05
_AT_ONCE = 1024
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_AS_THEY_ARE = {"Unsqueeze", "Squeeze", "Reshape", "Cast", "Identity"}  # what leaves ids what they are


def trim_vocabulary(folder: Path, card: EncoderCard, contents: Sequence[str], target: Path) -> None:
    """Write the encoder of `folder` with fewer pieces into the empty folder `target`.

    What stays are the pieces of `contents`, all of the scripts that make up a twentieth of their letters or
    more, and every single character of any script. So texts in these scripts are cut into the same pieces as
    before, and a word in another one into smaller pieces, never into unknown ones.

    Raises:
        EncoderError: The tokenizer or the graph is of a kind that cannot be trimmed, or the contents come out
            in other pieces.
        MissingExtraError: onnx is not installed.
    """
    content = json.loads((folder / TOKENIZER_FILE).read_text(encoding="utf-8"))
    tokenizer = read_tokenizer(json.dumps(content))
    texts = [card.prefix + text for text in contents]
    used = _used(tokenizer, texts)
    kept = _kept(content, used, texts, card)
    trimmed = _with_pieces(content, kept)
    _check_alike(tokenizer, read_tokenizer(json.dumps(trimmed)), texts, kept, card.name)
    model = read_graph(folder / GRAPH_FILE, purpose="Trimming a vocabulary")
    _trim_tables(model, kept, card.name)
    (target / GRAPH_FILE).write_bytes(model.SerializeToString())
    (target / TOKENIZER_FILE).write_text(json.dumps(trimmed, ensure_ascii=False), encoding="utf-8")
    digest = content_hash("trimmed:1", card.digest, kept.astype("<i8").tobytes().hex())[:32]
    replace(card, digest=digest, pad=int(np.searchsorted(kept, card.pad))).write(target)


def pieces_of(folder: Path) -> int:
    """How many pieces the vocabulary of an encoder has."""
    return len(_pieces(json.loads((folder / TOKENIZER_FILE).read_text(encoding="utf-8"))))


def _pieces(content: dict[str, Any]) -> list[str]:
    """The pieces of a `tokenizer.json` by their ids, those that were added last."""
    vocabulary = content["model"].get("vocab", ())
    if isinstance(vocabulary, dict):
        pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    else:
        pieces = [piece for piece, _ in vocabulary]
    added = sorted((one["id"], one["content"]) for one in content.get("added_tokens", ()))
    return pieces + [name for number, name in added if number >= len(pieces)]


def _used(tokenizer: Tokenizer, texts: Sequence[str]) -> Counter[int]:
    used: Counter[int] = Counter()
    for at in range(0, len(texts), _AT_ONCE):
        for one in encodings(tokenizer, texts[at : at + _AT_ONCE]):
            used.update(one.ids)
    return used


def _kept(content: dict[str, Any], used: Iterable[int], texts: Sequence[str], card: EncoderCard) -> Indices:
    """Ids of the pieces that stay, in their order."""
    kind = content["model"]["type"]
    if kind not in ("Unigram", "WordPiece", "WordLevel"):
        raise EncoderError(
            f"The vocabulary of the encoder '{card.name}' is of kind {kind}, whose pieces are made of one "
            "another: it cannot be trimmed.",
            fix="Leave the vocabulary whole.",
        )
    pieces, main = _pieces(content), _main_scripts(texts)
    kept = set(used) | {one["id"] for one in content.get("added_tokens", ())} | {card.pad}
    if kind == "Unigram":
        scores = [score for _, score in content["model"]["vocab"]]
        # The score of what is unknown hangs on the least one.
        kept |= {content["model"]["unk_id"], int(np.argmin(scores))}
    for number, piece in enumerate(pieces):
        bare = piece.removeprefix("##").strip("▁")
        scripts = {script for script in map(_script, bare) if script}
        if len(bare) <= 1 or scripts <= main or _BYTE.fullmatch(piece):
            kept.add(number)
    unknown = content["model"].get("unk_token")
    return np.array(sorted(kept | {number for number, piece in enumerate(pieces) if piece == unknown}))


def _main_scripts(texts: Sequence[str]) -> set[str]:
    """The scripts that make up a twentieth of the letters or more."""
    letters: Counter[str] = Counter()
    for text in texts:
        letters.update(script for script in map(_script, text) if script)
    return {script for script, count in letters.items() if count >= _MAIN_SHARE * letters.total()}


def _script(character: str) -> str:
    """The script of a letter, by the first word of its name: LATIN, CYRILLIC, CJK; empty for other signs."""
    return unicodedata.name(character, "").partition(" ")[0] if character.isalpha() else ""


def _with_pieces(content: dict[str, Any], kept: Indices) -> dict[str, Any]:
    """A `tokenizer.json` with some of its pieces."""
    number = {int(old): new for new, old in enumerate(kept)}
    model = dict(content["model"])
    if isinstance(model["vocab"], dict):
        pieces = _pieces(content)
        model["vocab"] = {pieces[old]: new for old, new in number.items() if pieces[old] in model["vocab"]}
    else:
        model["vocab"] = [model["vocab"][old] for old in number if old < len(model["vocab"])]
        model["unk_id"] = number[model["unk_id"]]
    added = [{**one, "id": number[one["id"]]} for one in content.get("added_tokens", ())]
    after = _renumbered(content.get("post_processor"), number)
    return {**content, "model": model, "added_tokens": added, "post_processor": after}


def _renumbered(content: Any, number: dict[int, int]) -> Any:
    """A post-processor with other ids: `ids` of a template, or pairs of a piece and its id."""
    if isinstance(content, dict):
        return {
            key: [number[one] for one in value] if key == "ids" else _renumbered(value, number)
            for key, value in content.items()
        }
    if isinstance(content, list):
        if len(content) == 2 and isinstance(content[0], str) and isinstance(content[1], int):
            return [content[0], number[content[1]]]
        return [_renumbered(one, number) for one in content]
    return content


def _check_alike(old: Tokenizer, new: Tokenizer, texts: Sequence[str], kept: Indices, name: str) -> None:
    """Refuse a vocabulary that cuts one of the texts into other pieces."""
    for at in range(0, len(texts), _AT_ONCE):
        chunk = texts[at : at + _AT_ONCE]
        for text, before, after in zip(chunk, encodings(old, chunk), encodings(new, chunk), strict=True):
            if not np.array_equal(kept[np.array(after.ids, dtype=np.intp)], before.ids):
                raise EncoderError(
                    f"With fewer pieces the encoder '{name}' reads {text[:60]!r} in another way.",
                    fix="Leave the vocabulary whole.",
                )


def _trim_tables(model: Any, kept: Indices, name: str) -> None:
    """Cut the tables that ids are looked up in; whatever else looks at ids gets those of before."""
    from onnx import helper, numpy_helper

    graph = model.graph
    weights = {one.name: one for one in graph.initializer}
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for source in node.input:
            users.setdefault(source, []).append(node)

    def tables(node: Any, source: str) -> list[str] | None:
        """The tables that a node leads ids to; None where it makes something else of them."""
        if node.op_type in ("Gather", "GatherND") and node.input[1] == source:
            table = node.input[0]
            return [table] if table in weights and weights[table].dims[0] > kept.max() else None
        if node.op_type not in _AS_THEY_ARE or node.input[0] != source:
            return None
        ends = [tables(user, node.output[0]) for user in users.get(node.output[0], ())]
        return None if None in ends else [table for end in ends for table in end or ()]

    cut: set[str] = set()
    for node in users.get("input_ids", ()):
        ends = tables(node, "input_ids")
        if ends:
            cut.update(ends)
        else:
            node.input[:] = ["input_ids.before" if one == "input_ids" else one for one in node.input]
    if not cut:
        raise EncoderError(
            f"The graph of the encoder '{name}' shows no table of pieces.", fix="Leave the vocabulary whole."
        )
    for table in cut:
        rows = numpy_helper.to_array(weights[table])[kept]
        weights[table].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(rows), table))
    graph.initializer.append(numpy_helper.from_array(kept.astype(np.int64), "pieces.before"))
    graph.node.insert(0, helper.make_node("Gather", ["pieces.before", "input_ids"], ["input_ids.before"]))
    del graph.value_info[:]
