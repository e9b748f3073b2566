"""Texts from outside become a pool: split, cleaned, without duplicates, every drop counted with its reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.corpus.add import add_shard, known_texts
from spacy_al.corpus.duplicates import Duplicates
from spacy_al.corpus.folder import replacing_folder
from spacy_al.corpus.forgotten import CONTEXT_CHARS, Forgotten, list_of_pool, read_list
from spacy_al.corpus.ingest_report import IngestReport
from spacy_al.corpus.pool import SHARD_SIZE
from spacy_al.corpus.removal import AROUND
from spacy_al.corpus.sentences import Splitter
from spacy_al.corpus.shard import SOURCE_KEY, write_shard
from spacy_al.corpus.sources import Keys, Record, find_sources, read_records
from spacy_al.corpus.tokeniser import blank_pipeline
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.util import batched, is_blank, progress_bar, why_not

SENTENCE_TOKENS = 1000
SHOWN_TEXTS = 5
# Rules need little memory a character; a model's own limit is left as it is
MAX_CHARS = 10_000_000
DOCS_PER_ZONE = 100


def ingest(
    inputs: Sequence[Path],
    output: Path,
    *,
    lang: str = "en",
    tokeniser: Mapping[str, Any] | None = None,
    unit: Literal["sentence", "doc"] = "sentence",
    model: str | Path | None = None,
    text_key: str = "text",
    id_key: str | None = None,
    meta_key: Sequence[str] = (),
    min_tokens: int = 1,
    max_tokens: int | None = None,
    keep_near_duplicates: bool = False,
    shard_size: int = SHARD_SIZE,
    force: bool = False,
    add: bool = False,
    dry_run: bool = False,
) -> IngestReport:
    """Write a pool from files of texts. The same input gives the same bytes.

    inputs (Sequence[Path]): Files, folders of files, or `-`, as `find_sources` reads them.
    output (Path): The folder of the pool. It appears when it is whole.
    lang (str): The language whose rules tokenise and split, unless there is a `model`.
    tokeniser (Mapping | None): What `blank_pipeline` needs of a config, whose own tokeniser is used.
    unit (str): What one asks about: a sentence, or a whole document. A text file is then one document, with its lines.
    model (str | Path | None): A pipeline that splits sentences instead of the rules.
    text_key (str): The key or column of the text.
    id_key (str | None): The key or column of the document's id; default: `id`, `meta.id`, or `file:line`.
    meta_key (Sequence[str]): Keys or columns, such as a date or a ward, that are kept in the `meta` of each text.
    min_tokens (int): Shorter texts are dropped.
    max_tokens (int | None): Longer texts are dropped; default: 1000 for sentences, no limit for documents.
    keep_near_duplicates (bool): Drop only exact duplicates. What is near is said in `duplicates.value_key`.
    shard_size (int): Texts a shard.
    force (bool): Replace the shards in `output`.
    add (bool): Add to the pool in `output`, as one new shard, what is not in it. Nothing new is no error.
    dry_run (bool): Count, and write nothing.
    RETURNS (IngestReport): Counts, and the files.
    RAISES (AlError): An input is missing or of another kind, the output is taken or cannot be written, or
        nothing usable is left. The old pool then stays as it was. AL344 if what was forgotten cannot be read.
    """
    for name, value, least in (
        ("min-tokens", min_tokens, 0),
        ("max-tokens", max_tokens, 1),
        ("shard-size", shard_size, 1),
    ):
        if value is not None and value < least:
            raise UsageError(
                Errors.AL053.format(name=name, value=value, expected=f"{least} or more")
            )
    if unit not in ("sentence", "doc"):
        raise UsageError(Errors.AL053.format(name="unit", value=unit, expected="sentence or doc"))
    if max_tokens is None and unit == "sentence":
        max_tokens = SENTENCE_TOKENS
    duplicates = Duplicates(near=not keep_near_duplicates)
    if not add:
        _check_output(output, force)
    elif (own := known_texts(output, duplicates)) not in (unit, None):
        raise UsageError(
            Errors.AL053.format(name="unit", value=unit, expected=f"{own}, as in {output}")
        )
    sources, gone = _find_sources(inputs, output), read_list(list_of_pool(output))
    nlp = _pipeline(lang, tokeniser, unit, model)
    splitter = None if model is not None else Splitter(nlp)
    report, keys = IngestReport(), Keys(text_key, id_key, whole=unit == "doc", meta=meta_key)

    def records() -> Iterator[Record]:
        for name, path in sources:
            yield from read_records(name, path, keys, report.unreadable)

    texts = _split(progress_bar(records(), None, "doc"), nlp, unit, splitter, report)
    kept = _wanted(texts, min_tokens, max_tokens, duplicates, report, gone)
    kept = _counted(kept, report)
    if dry_run:
        for _ in kept:
            pass
        return report
    if add:
        path = add_shard(_docs(kept, nlp), output)
        report.shards += [path] if path else []
        return report
    with replacing_folder(output) as folder:
        for number, batch in enumerate(batched(kept, shard_size)):
            with nlp.memory_zone():
                docs = (_to_doc(nlp, text) for text in batch)
                path = write_shard(docs, folder / f"{number:05}.spacy")
            report.shards.append(output / path.name)
        if not report.texts:
            raise report.nothing_left(inputs)
    return report


Text = tuple[str, int, dict[str, Any]]


def _pipeline(
    lang: str, tokeniser: Mapping[str, Any] | None, unit: str, model: str | Path | None
) -> Language:
    if model is None:
        nlp = blank_pipeline(lang, tokeniser)
        nlp.max_length = MAX_CHARS
        return nlp
    try:
        nlp = spacy.load(model)
    except (OSError, ValueError, ImportError) as error:
        raise AlError(Errors.AL055.format(name=model, why=error)) from error
    if unit == "doc":
        nlp.select_pipes(enable=[])
    return nlp


def _split(
    records: Iterable[Record],
    nlp: Language,
    unit: str,
    splitter: Splitter | None,
    report: IngestReport,
) -> Iterator[Text]:
    """Texts with their numbers of tokens and where they came from; blank ones are counted and passed."""
    for batch in batched(_not_blank(records, nlp.max_length, report), DOCS_PER_ZONE):
        texts: list[Text] = []
        # Only plain strings leave the zone
        with nlp.memory_zone():
            for record, doc in zip(batch, nlp.pipe(record.text for record in batch)):
                if unit == "doc":
                    texts.append((record.text, len(doc), _source(record)))
                else:
                    if splitter is not None:
                        splitter.set_starts(doc)
                    texts.extend(_sentences(record, doc, nlp, report))
        yield from texts


def _not_blank(records: Iterable[Record], max_chars: int, report: IngestReport) -> Iterator[Record]:
    for record in records:
        if record.without:
            report.dropped.update(record.without)
            continue
        report.documents += 1
        if is_blank(record.text):
            report.dropped["white space only" if record.text else "empty"] += 1
        elif len(record.text) > max_chars:
            report.dropped["too long"] += 1
        else:
            yield record


def _sentences(record: Record, doc: Doc, nlp: Language, report: IngestReport) -> Iterator[Text]:
    try:
        stripped = [(sent.text.strip(), len(sent)) for sent in doc.sents]
    except ValueError as error:
        name = "{lang}_{name}".format(**nlp.meta)
        raise AlError(Errors.AL056.format(name=name)) from error
    sents = [(text, length) for text, length in stripped if not is_blank(text)]
    if len(sents) < len(stripped):
        report.dropped["white space only"] += len(stripped) - len(sents)
    for number, (text, length) in enumerate(sents):
        source = _source(record)
        before = sents[number - 1][0] if number else ""
        after = sents[number + 1][0] if number + 1 < len(sents) else ""
        source |= {
            "sentence": number,
            "before": before[-CONTEXT_CHARS:],
            "after": after[:CONTEXT_CHARS],
        }
        yield text, length, source


def _source(record: Record) -> dict[str, Any]:
    return {"doc": record.id, **({"meta": record.meta} if record.meta else {})}


def _wanted(
    texts: Iterable[Text],
    least: int,
    most: int | None,
    duplicates: Duplicates,
    report: IngestReport,
    gone: Forgotten,
) -> Iterator[Text]:
    for text in texts:
        source = text[2]
        source.update((name, "") for name in AROUND if gone.has_part(source.get(name)))
        if gone.has(text[0]):
            why: str | None = "forgotten"
        elif text[1] < least:
            why = "too short"
        elif most is not None and text[1] > most:
            why = "too long"
        else:
            why = duplicates.check(text[0])
        if why is None:
            report.numbers = duplicates.numbers
            yield text
        else:
            report.dropped[why] += 1


def _counted(texts: Iterable[Text], report: IngestReport) -> Iterator[Text]:
    for text in texts:
        report.texts += 1
        if len(report.first) < SHOWN_TEXTS:
            report.first.append(text[0])
        yield text


def _docs(texts: Iterable[Text], nlp: Language) -> Iterator[Doc]:
    """Docs, a zone a batch: whoever takes the next one is done with the one before."""
    for batch in batched(texts, DOCS_PER_ZONE):
        with nlp.memory_zone():
            yield from (_to_doc(nlp, text) for text in batch)


def _to_doc(nlp: Language, text: Text) -> Doc:
    doc = nlp.make_doc(text[0])
    doc.user_data[SOURCE_KEY] = text[2]
    return doc


def _find_sources(inputs: Sequence[Path], output: Path) -> list[tuple[str, Path]]:
    """Every file once, by a name of its own: two folders may hold files of the same name."""
    names: Counter[str] = Counter()
    paths, sources = set[Path](), []
    try:
        for path in inputs:
            for name, file in find_sources(path, output):
                if file.resolve() in paths:
                    continue
                paths.add(file.resolve())
                names[name] += 1
                sources.append((f"{name} ({names[name]})" if names[name] > 1 else name, file))
    except OSError as error:
        raise AlError(Errors.AL046.format(path=error.filename, why=why_not(error))) from error
    return sources


def _check_output(output: Path, force: bool) -> None:
    if output.is_file() or output.suffix == ".spacy":
        raise AlError(Errors.AL050.format(path=output))
    try:
        names = sorted(child.name for child in output.iterdir()) if output.is_dir() else []
    except OSError as error:
        raise AlError(Errors.AL046.format(path=output, why=why_not(error))) from error
    if names and not force:
        raise AlError(Errors.AL048.format(path=output))
    # The folder is replaced as a whole, so nothing but shards may be in it
    others = [name for name in names if not name.endswith(".spacy")]
    if others:
        raise AlError(Errors.AL049.format(path=output, others=", ".join(others[:3])))
