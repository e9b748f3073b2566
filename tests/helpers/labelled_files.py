"""The same labelled texts in every format that is read: what the files are in tests, and what they say."""

import json
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_al.adapters.formats import FORMATS, WRITTEN, write_format

# Words, blanks after all but those before a dot, and entities by words
TEXTS = [
    ("Anna Berg works for Acme Corp in Lund .", [(0, 2, "PER"), (4, 6, "ORG"), (7, 8, "LOC")]),
    ("Lund lies in Sweden .", [(0, 1, "LOC"), (3, 4, "LOC")]),
    ("Nothing is named here .", []),
    ("Bo Ek of Volvo met Anna .", [(0, 2, "PER"), (3, 4, "ORG"), (5, 6, "PER")]),
    ("She likes São Paulo and 東京 .", [(2, 4, "LOC"), (5, 6, "LOC")]),
    ("The 😀 of Ericsson AB smiles .", [(3, 5, "ORG")]),
    ("Karl works at IBM .", [(0, 1, "PER"), (3, 4, "ORG")]),
    ("No one knows the place .", []),
]
TAGS = {".": "PUNCT", "is": "AUX", "The": "DET", "in": "ADP", "of": "ADP"}
CATEGORIES = ["news", "sport", "news", "sport", "travel", "news", "sport", "travel"]
ENTITY_FORMATS = (
    *WRITTEN,
    "conllu",
    "hugging-face",
    "label-studio",
    "label-studio-min",
    "prodigy",
    "train-data",
    "webanno",
)


def labelled_docs():
    """The texts as Docs, with entities, tags and categories."""
    for (text, spans), category in zip(TEXTS, CATEGORIES):
        words = text.split()
        doc = Doc(Vocab(), words=words, spaces=[True] * (len(words) - 1) + [False])
        doc.set_ents([Span(doc, *span) for span in spans], default="outside")
        for token in doc:
            token.tag_ = TAGS.get(token.text, "NOUN")
        doc.cats = {label: float(label == category) for label in sorted(set(CATEGORIES))}
        yield doc


def truth():
    """What the files say: text -> (start, end, label), sorted."""
    return {
        doc.text: sorted((e.start_char, e.end_char, e.label_) for e in doc.ents)
        for doc in labelled_docs()
    }


# Formats that do not say what places count, and those that have no line for a text with nothing in it
UNPLACED = ("ground-truth", "superannotate")
MARKED = ("label-studio-min", "labelbox")


def comes_back(format: str, text: str, marks) -> bool:
    """Whether a format says what is in this text. marks (Iterable): Spans as (start, end, label)."""
    end = max((mark[1] for mark in marks), default=0)
    if format in UNPLACED and any(ord(character) > 0xFFFF for character in text[:end]):
        return False
    return end > 0 or format not in MARKED


def truth_of(format: str):
    """What a file of a format says of the texts above."""
    return {text: marks for text, marks in truth().items() if comes_back(format, text, marks)}


def write_entities(format: str, folder: Path, docs=None) -> Path:
    """A file of a format with the entities of docs.

    format (str): One of `ENTITY_FORMATS`.
    folder (Path): Where it is made.
    docs (Iterable[Doc] | None): By default those of the texts above.
    RETURNS (Path): The file or, for brat, the folder.
    """
    if format in WRITTEN:
        path = folder / (format if not FORMATS[format].suffix else f"corpus.{format}")
        write_format(format, docs or labelled_docs(), path, kind="entities")
        return path
    path = folder / f"corpus.{format}"
    content = WRITERS[format](list(docs or labelled_docs()))
    path.write_bytes(content.encode("utf8"))
    return path


def _tags(doc):
    return [t.ent_iob_ + (f"-{t.ent_type_}" if t.ent_type_ else "") for t in doc]


def _conllu(docs):
    blocks = []
    for number, doc in enumerate(docs, 1):
        lines = [f"# sent_id = {number}", f"# text = {doc.text}"]
        for token, tag in zip(doc, _tags(doc)):
            misc = f"NER={tag}" + ("" if token.whitespace_ else "|SpaceAfter=No")
            cells = [token.i + 1, token, "_", token.tag_ or "X", "_", "_", "_", "_", "_", misc]
            lines.append("\t".join(map(str, cells)))
        blocks.append("\n".join(lines) + "\n\n")
    return "".join(blocks)


def _hugging_face(docs):
    rows = (
        {"id": str(d), "tokens": [str(t) for t in doc], "ner_tags": _tags(doc)}
        for d, doc in enumerate(docs)
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _regions(doc):
    return [
        {"start": e.start_char, "end": e.end_char, "text": e.text, "labels": [e.label_]}
        for e in doc.ents
    ]


def _label_studio(docs):
    tasks = []
    for number, doc in enumerate(docs, 1):
        result = [
            {
                "id": f"r{k}",
                "from_name": "label",
                "to_name": "text",
                "type": "labels",
                "value": value,
            }
            for k, value in enumerate(_regions(doc))
        ]
        annotation = {"id": number, "completed_by": 1, "was_cancelled": False, "result": result}
        tasks.append(
            {
                "id": number,
                "data": {"text": doc.text},
                "annotations": [annotation],
                "drafts": [],
                "predictions": [],
            }
        )
    return json.dumps(tasks, ensure_ascii=False, indent=1)


def _label_studio_min(docs):
    tasks = [
        {"text": doc.text, "id": n, "label": _regions(doc), "annotator": 1, "annotation_id": n}
        for n, doc in enumerate(docs, 1)
        # it leaves out what has none
        if doc.ents
    ]
    return json.dumps(tasks, ensure_ascii=False, indent=1)


def _labelbox_export(docs):
    rows = []
    for number, doc in enumerate(docs, 1):
        # it counts UTF-16 units, and both ends are characters of the entity
        objects = [
            {
                "feature_id": f"f{number}-{k}",
                "name": e.label_,
                "value": e.label_.lower(),
                "annotation_kind": "TextEntity",
                "classifications": [],
                "location": {
                    "start": len(doc.text[: e.start_char].encode("utf-16-le")) // 2,
                    "end": len(doc.text[: e.end_char].encode("utf-16-le")) // 2 - 1,
                    "token": e.text,
                },
            }
            for k, e in enumerate(doc.ents)
        ]
        label = {
            "label_kind": "Default",
            "id": f"l{number}",
            "label_details": {"created_by": "anna@example.org"},
            "performance_details": {"skipped": False},
            "annotations": {"objects": objects, "classifications": [], "relationships": []},
        }
        project: dict[str, Any] = {"name": "names", "labels": [label]}
        project["project_details"] = {"workflow_status": "DONE"}
        row = {"id": f"d{number}", "global_key": f"k{number}", "row_data": doc.text}
        rows.append({"data_row": row, "projects": {"p1": project}})
    return "".join(json.dumps(row) + "\n" for row in rows)


def _prodigy(docs):
    lines = []
    for doc in docs:
        tokens = [
            {
                "text": t.text,
                "start": t.idx,
                "end": t.idx + len(t),
                "id": t.i,
                "ws": bool(t.whitespace_),
            }
            for t in doc
        ]
        spans = [
            {
                "start": e.start_char,
                "end": e.end_char,
                "token_start": e.start,
                "token_end": e.end - 1,
                "label": e.label_,
            }
            for e in doc.ents
        ]
        task = {
            "text": doc.text,
            "_input_hash": 1,
            "_task_hash": 2,
            "_is_binary": False,
            "tokens": tokens,
        }
        task |= {
            "_view_id": "ner_manual",
            "spans": spans,
            "answer": "accept",
            "_timestamp": 1700000000,
        }
        lines.append(json.dumps(task, ensure_ascii=False) + "\n")
    return "".join(lines)


def _train_data(docs):
    pairs = [
        (doc.text, {"entities": [(e.start_char, e.end_char, e.label_) for e in doc.ents]})
        for doc in docs
    ]
    return "TRAIN_DATA = [\n" + "".join(f"    {pair!r},\n" for pair in pairs) + "]\n"


def _webanno(docs):
    lines = [
        "#FORMAT=WebAnno TSV 3.3",
        "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value",
        "",
        "",
    ]
    base, span = 0, 0
    for number, doc in enumerate(docs, 1):
        lines.append(f"#Text={doc.text}")
        ids = {}
        for entity in doc.ents:
            span += len(entity) > 1
            ids |= {
                t.i: f"{entity.label_}[{span}]" if len(entity) > 1 else entity.label_
                for t in entity
            }
        for token in doc:
            # it counts UTF-16 units
            start, end = (
                base + len(doc.text[:k].encode("utf-16-le")) // 2
                for k in (token.idx, token.idx + len(token))
            )
            value = ids.get(token.i, "_")
            other = (
                "*" + value[value.index("[") :] if "[" in value else ("_" if value == "_" else "*")
            )
            lines.append(f"{number}-{token.i + 1}\t{start}-{end}\t{token.text}\t{other}\t{value}\t")
        base += len(doc.text.encode("utf-16-le")) // 2 + 1
        lines.append("")
    return "\n".join(lines)


WRITERS = {
    "conllu": _conllu,
    "hugging-face": _hugging_face,
    "label-studio": _label_studio,
    "label-studio-min": _label_studio_min,
    "labelbox-export": _labelbox_export,
    "prodigy": _prodigy,
    "train-data": _train_data,
    "webanno": _webanno,
}
