"""Corpora from elsewhere become gold: one `.spacy` file, and an account of all that was found, left out and refused."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.adapters.convert_inputs import (
    READERS,
    File,
    find_kind,
    labelled_files,
    load_training_config,
    read_checked,
    wanted_factory,
)
from spacy_al.adapters.formats import check_column
from spacy_al.adapters.gold_docs import (
    Labelled,
    gold_doc,
    keep_exclusive,
    label_counts,
    merge_texts,
    token_differences,
)
from spacy_al.adapters.reading import BadSpans, Reading
from spacy_al.corpus.shard import write_shard
from spacy_al.corpus.tokeniser import blank_pipeline, tokeniser_config
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.kinds import FACTORIES

# First places of reasons in a message
SHOWN = 3
# Rules need little memory a character
MAX_CHARS = 10_000_000
# What differs from record to record; not the 16 of UTF-16
VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|(?<!UTF-)(?<!UTF-1)\d+")


@dataclass
class Converted:
    """What became of files.

    kind (str): "entities", "spans", "tags" or "categories".
    formats (dict[str, str]): Of each file, with the reason where it was found out.
    records (int): Labelled texts that were read.
    docs (list[Doc]): What was written.
    labels (dict[str, int]): How often each is there.
    refused (dict[str, list[str]]): Records that could not be used: the reason, without what varies, and for each its place and the
        whole reason.
    contradictions (list[tuple[str, str]]): Texts that are labelled differently: where, and how.
    repeated (int): Records that said again what another had said.
    partial (int): Docs of which a part is undecided.
    other_tokens (int): Docs with other tokens than the tokeniser makes, as the file's own were kept.
    remarks (list[str]): What is to be known of the files, a sentence each.
    """

    kind: str = ""
    formats: dict[str, str] = field(default_factory=dict)
    records: int = 0
    docs: list[Doc] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    contradictions: list[tuple[str, str]] = field(default_factory=list)
    repeated: int = 0
    partial: int = 0
    other_tokens: int = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def refused_records(self) -> int:
        return sum(map(len, self.refused.values()))

    def refuse(self, where: str, why: str) -> None:
        self.refused.setdefault(VARIES.sub("…", why), []).append(f"{where}: {why}")


def convert(
    inputs: Sequence[Path],
    output: Path | None,
    *,
    format: str | None = None,
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    lang: str = "en",
    kind: str | None = None,
    component: str | None = None,
    spans_key: str | None = None,
    column: str | None = None,
    text_key: str = "text",
    labels: Sequence[str] = (),
    bad_spans: BadSpans = "refuse",
    keep_tokens: bool = False,
    force: bool = False,
) -> Converted:
    """Make gold of labelled files.

    inputs (Sequence[Path]): Files, and folders of them; of brat a folder with texts and annotations.
    output (Path | None): The `.spacy` file; None writes nothing.
    format (str | None): One of `READERS`; by default found out from what is in each file.
    config (Path | None): A training config, whose tokeniser and component are meant.
    overrides (Mapping | None): Of the config.
    lang (str): Whose rules tokenise, where there is no config.
    kind (str | None): A factory such as "ner", for what is wanted; by default that of the config's component, else what
        the files have: entities before spans, categories and tags.
    component (str | None): Of the config, where several could be meant.
    spans_key (str | None): Of the group of spans; by default the component's, else "sc".
    column, text_key, labels, bad_spans: As for `Reading`.
    keep_tokens (bool): Keep the file's own tokens; where it has none, tokens are split where spans begin and end.
    force (bool): Replace the output.
    RETURNS (Converted): Everything that was found.
    RAISES (AlError): AL336 (UsageError) if the output is there, AL337 (UsageError) for a kind that is none, AL334 (UsageError) if a
        format cannot be told, AL338 (UsageError) for a column where no format has any, AL335 if nothing can be used, AL080 or AL081 for the config; what the readers raise where there is
        one file; AL047 if the output cannot be written.
    """
    _check_output(output, inputs, force)
    made = load_training_config(config, overrides or {})
    factory, own_key = wanted_factory(made, kind, component)
    nlp = blank_pipeline(lang, tokeniser_config(made) if made else None)
    nlp.max_length = max(nlp.max_length, MAX_CHARS)
    files = labelled_files(inputs, format)
    reading = Reading(
        kind="",
        spans_key=spans_key or own_key or "sc",
        column=column,
        labels=tuple(labels),
        text_key=text_key,
        bad_spans=bad_spans,
    )
    check_column(dict.fromkeys(name for _, name, _ in files), column)
    result = Converted()
    result.formats = {str(path): f"{name}{why}" for path, name, why in files}
    if factory:
        reading.kind = FACTORIES[factory].task
    else:
        reading.kind, said = find_kind(files, reading)
        result.remarks += [said] if said else []
    result.kind = reading.kind
    found = list(_labelled(files, reading, nlp, keep_tokens, result))
    merged = merge_texts(found, reading.kind, reading.spans_key)
    result.docs, result.repeated = merged.docs, merged.repeated
    result.contradictions = merged.contradictions
    result.labels = label_counts(result.docs, reading.kind, reading.spans_key)
    if factory and reading.kind == "categories" and FACTORIES[factory].is_exclusive:
        kept = keep_exclusive(result.docs, result.labels)
        if left_out := len(result.docs) - len(kept):
            result.remarks.append(
                f"{left_out} texts have no category, or several, where exactly one applies: they are left out."
            )
        result.docs = kept
    result.remarks = [*reading.remarks(), *result.remarks]
    if not result.docs:
        raise _nothing(inputs, result)
    result.partial = sum(_is_partial(doc, reading.kind) for doc in result.docs)
    if keep_tokens:
        result.other_tokens = token_differences(result.docs, nlp)
    if output is not None:
        write_shard(result.docs, output)
    return result


def _check_output(output: Path | None, inputs: Sequence[Path], force: bool) -> None:
    if output is None:
        return
    if output.suffix != ".spacy":
        raise UsageError(Errors.AL053.format(name="output", value=output, expected="a .spacy file"))
    inside = any(output.resolve() == path.resolve() for path in inputs)
    if inside or (output.exists() and not force) or output.is_dir():
        raise UsageError(Errors.AL336.format(path=output))


def _labelled(
    files: Iterable[File], reading: Reading, nlp: Language, keep_tokens: bool, result: Converted
) -> Iterator[Labelled]:
    files = list(files)
    for path, name, _ in files:
        form = READERS[name]
        if reading.kind not in form.kinds:
            kinds = ", ".join(form.kinds)
            raise UsageError(Errors.AL266.format(format=name, kind=reading.kind, kinds=kinds))
        try:
            records = list(read_checked(form, path, reading))
        except UsageError:
            raise
        except AlError as error:
            if len(files) == 1:
                raise
            result.refuse(str(path), str(error))
            continue
        for record in records:
            result.records += 1
            if "problem" in record:
                result.refuse(record["where"], record["problem"])
                continue
            if not form.has_text and all(record.get("spaces", [])[:-1]):
                # where blanks were is not known, so `spacy train` will keep these tokens as well
                record.pop("spaces", None)
            try:
                doc = gold_doc(record, reading, nlp, keep_tokens=keep_tokens)
            except ValueError as error:
                result.refuse(record["where"], str(error))
            else:
                yield Labelled(doc, record["where"])


def _is_partial(doc: Doc, kind: str) -> bool:
    if kind == "entities":
        return any(token.ent_iob == 0 for token in doc)
    return kind == "tags" and any(not token.tag for token in doc if not token.is_space)


def _nothing(inputs: Sequence[Path], result: Converted) -> AlError:
    counts = {
        "records were read": result.records,
        "records were refused": result.refused_records,
        "texts are labelled differently in several places": len(result.contradictions),
    }
    first = [places[0] for places in result.refused.values()]
    first += [": ".join(one) for one in result.contradictions]
    return AlError(
        Errors.AL335.format(
            paths=", ".join(map(str, inputs)),
            counts=", ".join(f"{count} {what}" for what, count in counts.items() if count)
            or "there are no records in it",
            first="".join(f" {one.rstrip('.')}." for one in [*first[:SHOWN], *result.remarks]),
        )
    )
