"""Read: raw rows become texts, cleaned and grouped by duplicates, with golden labels beside them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, replace

from rubricator.code_digest import source_digest
from rubricator.config import Config
from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.encode.vectors import encode_texts
from rubricator.ingest.boilerplate import BoilerplateRemover, repeated_in
from rubricator.ingest.clean import clean_texts
from rubricator.ingest.duplicates import group_duplicates
from rubricator.ingest.golden import parse_golden, read_golden
from rubricator.ingest.read import Corpus, read_texts, rejections_by_kind, write_rejected
from rubricator.pages.formatting import plural
from rubricator.pipeline.stage import Run, Stage
from rubricator.progress import Progress, silent
from rubricator.records import content_hash, file_digest
from rubricator.tables.cells import written
from rubricator.tables.reading import open_table
from rubricator.taxonomy import NOTHING, Taxonomy

_LOG = logging.getLogger(__name__)
_SHOWN, _EXCERPT = 10, 60
_TEXTS, _FACTS, _REJECTED = "stages/texts.parquet", "stages/read.facts.json", "rejected.csv"
_SOURCE = "stages/read.source.json"
Golden = dict[str, tuple[str, ...]]
"""Category keys by text id."""


def read(config: Config, taxonomy: Taxonomy, *, progress: Progress = silent) -> Dataset:
    """Read, clean and group texts, and find the golden labels among them.

    Raises:
        DataError: No file, no column, no usable row, or a golden set that does not fit the data.
        EncoderError: Duplicates are to be found by embeddings and there is no encoder.
    """
    return dataset_of(read_texts(config, progress=progress), config, taxonomy, progress=progress)


def dataset_of(
    corpus: Corpus, config: Config, taxonomy: Taxonomy | None, *, progress: Progress = silent
) -> Dataset:
    """`read` for rows that were read; without a taxonomy nobody can tell what golden labels mean.

    Raises:
        DataError: A golden set that does not fit the data.
        EncoderError: Duplicates are to be found by embeddings and there is no encoder.
    """
    texts = clean_texts(corpus.texts, config.clean, progress=progress)
    repeated = repeated_in(texts, config.clean)
    texts = BoilerplateRemover(repeated).texts(texts) if repeated else texts
    vectors = (
        encode_texts(texts, config, progress=progress) if config.duplicates.method == "embeddings" else None
    )
    together = list(corpus.together.values())
    groups = group_duplicates(texts, config.duplicates, vectors=vectors, together=together, progress=progress)
    golden = _golden(config, corpus, taxonomy) if taxonomy else {}
    times = sorted(text.time for text in texts if text.time)
    facts = {
        "rows": len(corpus.texts) + len(corpus.rejected),
        "texts": len(texts),
        "rejected": rejections_by_kind(corpus.rejected),
        "exact_duplicates": groups.exact,
        "near_duplicates": groups.near,
        "groups": len(set(groups.of.values())),
        "golden": len(golden),
        "sources": len({text.source for text in texts}),
        "period": [time.date().isoformat() for time in (times[0], times[-1])] if times else [],
        "encodings": corpus.encodings,
    }
    if config.clean.boilerplate:
        facts["boilerplate"] = [asdict(one) for one in repeated]
    return Dataset(texts, groups.of, golden, corpus.rejected, facts)


def _golden(config: Config, corpus: Corpus, taxonomy: Taxonomy) -> Golden:
    """Golden labels of accepted texts; a golden text whose row was rejected is not an unknown one."""
    ids = {text.id for text in corpus.texts}
    column = config.data.columns.labels
    labels = parse_golden(corpus.labels.items(), taxonomy=taxonomy, where=f"the column '{column}'")
    if config.golden.file is not None:
        rows = ids | {row.id for row in corpus.rejected}
        golden = read_golden(config.path(config.golden.file), ids=rows, taxonomy=taxonomy)
        _tell_contradictions(labels, golden, file=config.golden.file, column=str(column))
        labels |= {id_: keys for id_, keys in golden.items() if id_ in ids}
    return labels


def _tell_contradictions(labels: Golden, golden: Golden, *, file: str, column: str) -> None:
    differing = [id_ for id_, keys in golden.items() if labels.get(id_, keys) != keys]
    if differing:
        first = differing[0]
        in_file, in_column = (", ".join(some[first]) or NOTHING for some in (golden, labels))
        message = "%s and the column '%s' label %d texts differently, '%s' as %s and as %s: the file counts."
        _LOG.warning(message, file, column, len(differing), first, in_file, in_column)


def _work(run: Run) -> list[str]:
    stands_on = _stands_on(run)
    dataset = _read_before(run, stands_on)
    if dataset is None:
        dataset = read(run.config, run.taxonomy, progress=run.progress)
        write_rejected(run.file(_REJECTED), dataset.rejected)
    files.write_dataset(run.file(_TEXTS), dataset)
    files.write_json(run.file(_FACTS), dataset.facts)
    files.write_json(run.file(_SOURCE), _source(run, stands_on))
    facts = dataset.facts
    bare = sum(not keys for keys in dataset.golden.values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in facts["rejected"].items())
    rejected = f"; rejected {sum(facts['rejected'].values()):,}: {reasons}" if reasons else ""
    copies = f"{facts['exact_duplicates']:,} exact and {facts['near_duplicates']:,} near duplicates"
    return [
        f"{facts['texts']:,} texts of {facts['rows']:,} rows{rejected}",
        f"{copies}, {facts['groups']:,} groups; {facts['golden']:,} golden texts"
        + (f", {bare:,} of them with no category" if bare else ""),
        *_taken_out(dataset),
        *(f"{file} is read as {encoding}" for file, encoding in facts["encodings"].items()),
    ]


def _read_before(run: Run, stands_on: str) -> Dataset | None:
    """Texts that were read from the same rows in the same way, with golden labels in the list of today.

    A change of the list changes nothing else of them. None where they must be read: they were not, or their
    rows bring the labels along.
    """
    config = run.config
    try:
        same = files.read_json(run.folder / _SOURCE) == _source(run, stands_on)
    except (OSError, ValueError):
        return None
    if not same or config.data.columns.labels is not None:
        return None
    dataset, golden = files.read_dataset(run.folder), Golden()
    if config.golden.file is not None:
        ids = set(dataset.groups)
        file = config.path(config.golden.file)
        labels = read_golden(file, ids=ids | _rejected_ids(run, dataset), taxonomy=run.taxonomy)
        golden = {id_: keys for id_, keys in labels.items() if id_ in ids}
    return replace(dataset, golden=golden, facts={**dataset.facts, "golden": len(golden)})


def _rejected_ids(run: Run, dataset: Dataset) -> set[str]:
    if not dataset.facts["rejected"]:  # a table without rows is none
        return set()
    rows = (row for batch in open_table(run.folder / _REJECTED).rows() for row in batch)
    return {written(row.cells.get("id")) for row in rows}


def _stands_on(run: Run) -> str:
    """A digest of all that makes the texts what they are, without golden labels and categories."""
    config = run.config
    depends = _depends(run)
    stands_on = [depends[name] for name in ("encode", "groups")]
    stands_on += [depends[f"file:{one.path}"] for one in config.data.files]
    stands_on += [config.model_dump_json(include={"data", "clean", "duplicates"}), source_digest(__name__)]
    return content_hash("read:1", *stands_on)


def _source(run: Run, stands_on: str) -> dict[str, str]:
    """What the texts of the run stand on, and what they are."""
    digests = {name: file_digest(run.folder / name) for name in (_TEXTS, _FACTS, _REJECTED)}
    return {"stands_on": stands_on, **digests}


def _taken_out(dataset: Dataset) -> Iterator[str]:
    """What cleaning took out of the texts of each source, the most repeated first."""
    repeated = dataset.boilerplate
    if repeated:
        sources = len({one.source for one in repeated})
        yield f"took out {plural(len(repeated), 'repeated line')} of {plural(sources, 'source')}:"
    for one in repeated[:_SHOWN]:
        place = "" if one.place == "line" else f" ({one.place} of lines)"
        yield f"  “{one.example[:_EXCERPT]}”{place} in {one.texts:,} texts of {one.source or 'no source'}"
    if len(repeated) > _SHOWN:
        yield f"  … and {len(repeated) - _SHOWN} more, in stages/read.facts.json"


def _depends(run: Run) -> dict[str, str]:
    config = run.config
    inputs = [file.path for file in config.data.files] + ([config.golden.file] if config.golden.file else [])
    paths = {name: config.path(name) for name in inputs}
    return {f"file:{name}": file_digest(p) if p.is_file() else "absent" for name, p in paths.items()} | {
        "config": config.model_dump_json(include={"data", "clean", "duplicates", "golden"}),
        "encode": config.encode.first.model_dump_json() if config.duplicates.method == "embeddings" else "",
        "groups": ",".join(config.split.group_by),
        "taxonomy": ",".join(run.taxonomy.keys) + f" {run.taxonomy.task} {run.taxonomy.none}",
    }


KEPT = (_TEXTS, _FACTS, _REJECTED, _SOURCE, "stages/read.done")
"""Files by which another folder need not read the texts again."""
STAGE = Stage(
    name="read",
    about="Read and clean the texts, find duplicates and the golden labels.",
    depends=_depends,
    after=(),
    writes=(_TEXTS, _FACTS, _REJECTED),
    work=_work,
)
