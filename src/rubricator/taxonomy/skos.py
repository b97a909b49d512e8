"""Lists as concept schemes of SKOS (https://www.w3.org/TR/skos-reference/), with the package rdflib."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, unquote

from rubricator.errors import MissingExtraError, TaxonomyError
from rubricator.taxonomy.changes import made
from rubricator.taxonomy.model import Category, Taxonomy

FORMATS = {".ttl": "turtle", ".rdf": "xml", ".jsonld": "json-ld", ".nt": "nt"}
_BASE = "urn:rubricator:"
_PLAIN_LANGUAGES = ("ru", "en", "")


def write_skos(path: Path, taxonomy: Taxonomy, *, language: str = "") -> None:
    """Write a list as a concept scheme; the suffix names the format.

    Keys are notations, titles preferred labels, keywords alternative labels, excluded words hidden ones.

    Raises:
        MissingExtraError: rdflib is not installed.
        TaxonomyError: The place cannot be written.
    """
    rdflib = _rdflib()
    skos, rdf = rdflib.SKOS, rdflib.RDF
    graph = rdflib.Graph()
    base = f"{_BASE}{quote(taxonomy.name or 'categories', safe='')}"
    scheme = rdflib.URIRef(base)
    concepts = {key: rdflib.URIRef(f"{base}:{quote(key, safe='')}") for key in taxonomy.keys}

    def words(text: str) -> Any:
        return rdflib.Literal(text, lang=language or None)

    graph.add((scheme, rdf.type, skos.ConceptScheme))
    graph.add((scheme, skos.prefLabel, words(taxonomy.name or "categories")))
    for one in taxonomy.categories:
        concept = concepts[one.key]
        about = [
            (rdf.type, skos.Concept),
            (skos.inScheme, scheme),
            (skos.notation, rdflib.Literal(one.key)),
            (skos.prefLabel, words(one.title)),
            *((skos.altLabel, words(word)) for word in one.keywords),
            *((skos.hiddenLabel, words(word)) for word in one.exclude),
            (skos.broader, concepts[one.parent]) if one.parent else (skos.topConceptOf, scheme),
        ]
        if one.description:
            about.append((skos.definition, words(" ".join(one.description.split()))))
        for predicate, value in about:
            graph.add((concept, predicate, value))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _quiet():
            graph.serialize(path, format=FORMATS[path.suffix.lower()], encoding="utf-8")
    except OSError as error:
        raise TaxonomyError(
            f"{path} cannot be written: {error.strerror}.", fix="Choose another place."
        ) from error


def read_skos(path: Path, *, language: str = "") -> list[Category]:
    """Categories of the concepts in a file: notation (or the end of the address) as key, broader as parent.

    Labels in `language` are taken, else in Russian, English or none; alternative ones become keywords.

    Raises:
        MissingExtraError: rdflib is not installed.
        TaxonomyError: The file cannot be read, or holds no concepts.
    """
    rdflib = _rdflib()
    graph = rdflib.Graph()
    try:
        with _quiet():
            graph.parse(data=path.read_bytes(), format=FORMATS[path.suffix.lower()])
    except OSError as error:
        raise TaxonomyError(f"{path} cannot be read: {error.strerror}.", fix="Correct the path.") from error
    except Exception as error:  # its parsers raise whatever they like
        raise TaxonomyError(
            f"{path} cannot be read as {FORMATS[path.suffix.lower()]}: {str(error).splitlines()[0][:200]}.",
            fix="Correct the file, or its suffix.",
        ) from error
    skos = rdflib.SKOS
    concepts = sorted(graph.subjects(rdflib.RDF.type, skos.Concept))
    if not concepts:
        raise TaxonomyError(f"{path} holds no concept of SKOS.", fix="Name a file with skos:Concept in it.")
    reader = _Reader(graph, skos, language)
    keys = {concept: reader.key(concept) for concept in concepts}
    return [reader.category(concept, keys) for concept in concepts]


class _Reader:
    """What a graph says of its concepts."""

    def __init__(self, graph: Any, skos: Any, language: str) -> None:
        self._graph, self._skos = graph, skos
        self._languages = (language, *_PLAIN_LANGUAGES) if language else _PLAIN_LANGUAGES

    def key(self, concept: Any) -> str:
        notations = sorted(map(str, self._graph.objects(concept, self._skos.notation)))
        address = str(concept).rstrip("/#")
        return (
            notations[0] if notations else unquote(address.replace("#", "/").replace(":", "/").split("/")[-1])
        )

    def category(self, concept: Any, keys: dict[Any, str]) -> Category:
        broader = sorted(self._graph.objects(concept, self._skos.broader))
        parents = [keys[one] for one in broader if one in keys]
        fields = {
            "key": keys[concept],
            "name": " ".join(self._words(concept, self._skos.prefLabel)[:1]),
            "description": "; ".join(self._words(concept, self._skos.definition)),
            "keywords": tuple(self._words(concept, self._skos.altLabel)),
            "exclude": tuple(self._words(concept, self._skos.hiddenLabel)),
            "parent": parents[0] if parents else None,
        }
        return made(fields)

    def _words(self, concept: Any, predicate: Any) -> list[str]:
        """Literals in the first of the languages that has any, else in whichever there is."""
        literals = sorted(self._graph.objects(concept, predicate), key=str)
        for language in self._languages:
            if chosen := [str(one) for one in literals if (one.language or "") == language]:
                return chosen
        return [str(one) for one in literals]


@contextmanager
def _quiet() -> Iterator[None]:
    """Its own readers and writers of JSON-LD warn of what they use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _rdflib() -> ModuleType:
    try:
        import rdflib
    except ImportError as error:
        raise MissingExtraError("rdflib", extra="skos", purpose="SKOS") from error
    return rdflib
