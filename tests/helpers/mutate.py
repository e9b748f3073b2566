"""Damaged files of every format: each is to become a right corpus, or to be refused with a code.

`python -m tests.helpers.mutate --files 10000 --seed 0` prints, for each format, how many were accepted, refused, wrong or ended in
a traceback, and shows the first of what should not be. A file is wrong where something is stored that it does not say: by offset,
text and label. A bit that turns in a label or in an offset which nothing else in the file confirms is what the file says.
"""

import argparse
import gc
import json
import random
import re
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

from spacy_al.adapters.convert import convert
from spacy_al.adapters.formats import write_format
from spacy_al.errors import AlError, AlWarning
from tests.helpers.labelled_files import (
    CATEGORIES,
    ENTITY_FORMATS,
    TEXTS,
    labelled_docs,
    truth_of,
    write_entities,
)
from tests.helpers.small_run import as_asked, import_into

# Files of categories, and the format that each is in
CATEGORY_FILES = {
    "table": "table",
    "xlsx": "table",
    "label-studio-choices": "label-studio",
    "scale-categories": "scale",
    "labelbox-categories": "labelbox",
    "superannotate-categories": "superannotate",
    "ground-truth-categories": "ground-truth",
}
# Files of entities, where a format has several kinds of them
ENTITY_FILES = {"labelbox-export": "labelbox"}
NAMED = {**CATEGORY_FILES, **ENTITY_FILES}
FORMATS = (*ENTITY_FORMATS, *NAMED)
DAMAGE = ("none", "outside", "flip", "drop", "rename", "shift")
# Whose files say twice where a span is
CONFIRMED = (
    "prodigy",
    "label-studio",
    "label-studio-min",
    "webanno",
    "brat",
    "scale",
    "labelbox-export",
)
# A span a line, so that a line that is gone is a span that nobody made
STANDOFF = ("brat", "labelbox")
KEY = re.compile(rb"[\"']([A-Za-z_0-9]+)[\"'](?=\s*:)")


def make_file(format, folder):
    """An undamaged file, and what it says."""
    if format == "table":
        path = folder / "corpus.csv"
        rows = [
            f'{n},"{text}",{label}' for n, ((text, _), label) in enumerate(zip(TEXTS, CATEGORIES))
        ]
        path.write_text("\n".join(["id,text,label", *rows, ""]), "utf8")
        return path, wanted_categories()
    if format == "xlsx":
        return make_workbook(folder / "corpus.xlsx"), wanted_categories()
    if format == "label-studio-choices":
        path = folder / "corpus.json"
        path.write_text(json.dumps([*map(_choice, TEXTS, CATEGORIES)], indent=1), "utf8")
        return path, wanted_categories()
    if format in CATEGORY_FILES:
        name = CATEGORY_FILES[format]
        path = folder / f"corpus.{name}"
        write_format(name, labelled_docs(), path, kind="categories")
        return path, wanted_categories()
    return write_entities(format, folder), truth_of(format)


def wanted_categories():
    return {text: [label] for (text, _), label in zip(TEXTS, CATEGORIES)}


def make_workbook(path):
    from openpyxl import Workbook

    book = Workbook()
    rows = [(n, text, label) for n, ((text, _), label) in enumerate(zip(TEXTS, CATEGORIES))]
    for row in (("id", "text", "label"), *rows):
        book.active.append(row)
    book.save(path)
    return path


def _choice(text, label):
    value = {"choices": [label]}
    result = {"from_name": "topic", "to_name": "text", "type": "choices", "value": value}
    note = {"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": ["seen"]}}
    annotation = {"id": 1, "was_cancelled": False, "result": [result, note]}
    return {"id": 1, "data": {"text": text[0]}, "annotations": [annotation], "predictions": []}


def _damage_workbook(path, how, rng):
    """Damage a file within the archive: bits of the archive itself are found out by its sums."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    if how == "rename":
        one = rng.choice((b"text", b"label"))
        count, parts[name] = 1, parts[name].replace(b"<t>%s</t>" % one, b"<t>%ss</t>" % one)
    elif how == "drop":
        gone = rng.choice([*re.finditer(rb"<row .*?</row>|<c .*?</c>", parts[name])])
        count, parts[name] = 1, parts[name][: gone.start()] + parts[name][gone.end() :]
    else:
        count, parts[name] = _flip(parts[name], path, rng)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return count


def damage(path, how, rng):
    """Damage a file, or one of a folder; False if there is nothing of the kind in it. RETURNS (int): How many bytes or lines."""
    if how == "none":
        return 1
    if path.suffix == ".xlsx" and how in ("shift", "outside"):
        return 0
    if path.suffix == ".xlsx" and (how != "flip" or rng.random() < 0.7):
        return _damage_workbook(path, how, rng)
    if path.is_dir():
        kinds = ("*.ann", "*.json", "*.ndjson") if rng.random() < 0.7 else ("*.txt", "*.json")
        path = rng.choice(sorted(file for kind in kinds for file in path.glob(kind)))
    data = path.read_bytes()
    made = {"flip": _flip, "drop": _drop, "rename": _rename, "shift": _shift, "outside": _outside}
    count, data = made[how](data, path, rng)
    path.write_bytes(data)
    return count


def _flip(data, path, rng):
    if not data:
        return 0, data
    count, found = rng.choice((1, 1, 2, 3)), bytearray(data)
    for _ in range(count):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return count, bytes(found)


def _drop(data, path, rng):
    lines = data.splitlines(keepends=True)
    if not lines:
        return 0, data
    del lines[rng.randrange(len(lines))]
    return 1, b"".join(lines)


def _rename(data, path, rng):
    found = list(KEY.finditer(data))
    if path.suffix == ".csv":
        found = list(re.finditer(rb"\A[^\n]*?(text|label)", data))
    if not found:
        return 0, data
    one = rng.choice(found)
    new = rng.choice((one[1] + b"s", one[1].upper(), b"x_" + one[1], one[1][::-1]))
    if rng.random() < 0.5:
        return 1, data[: one.start(1)] + new + data[one.end(1) :]
    name = one[1]
    return 1, KEY.sub(lambda m: m[0].replace(name, new) if m[1] == name else m[0], data)


def _shift(data, path, rng):
    """Insert, delete or exchange columns, in a row or in all of them."""
    if path.suffix not in (".conll", ".iob", ".conllu", ".webanno", ".csv", ".ann"):
        return 0, data
    between, rows = {".iob": (b"|", rb"\S+"), ".csv": (b",", rb"[^\n]+")}.get(
        path.suffix, (b"\t", rb"[^\n]+")
    )
    filled = [m for m in re.finditer(rows, data) if between in m[0]]
    if not filled:
        return 0, data
    kind, everywhere = rng.choice(("insert", "delete", "swap")), rng.random() < 0.4
    # no reader can tell which cell of a single row of a table is its text
    everywhere |= path.suffix == ".csv" and kind == "swap"
    place = rng.randrange(1, filled[0][0].count(between) + 1)
    chosen = filled if everywhere else [rng.choice(filled)]
    for match in reversed(chosen):
        cells = match[0].split(between)
        at = min(place, len(cells) - 1)
        if kind == "insert":
            cells.insert(at, b"_")
        elif kind == "delete":
            del cells[at]
        else:
            cells[at - 1], cells[at] = cells[at], cells[at - 1]
        data = data[: match.start()] + between.join(cells) + data[match.end() :]
    return 1, data


def _outside(data, path, rng):
    """Change what is no annotation: a comment, a key that nobody reads, line ends."""
    if path.suffix in (".txt", ".csv"):
        return 0, data
    if path.suffix in (".conll", ".iob"):
        return 1, rng.choice(
            (data + b"\n\n", b"\n" + data, data.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + data)
        )
    if path.suffix == ".ann":
        return 1, data + b"#1\tAnnotatorNotes T1\tlook again\n"
    if path.suffix == ".conllu":
        return 1, rng.choice((b"# newdoc\n" + data, data.replace(b"# sent_id", b"# id")))
    if path.suffix == ".webanno":
        return 1, data.replace(b"\n", b"\r\n") if rng.random() < 0.5 else data + b"\n\n"
    if path.suffix == ".train-data":
        return 1, b"# a remark\n" + data
    text = data.decode("utf8")
    if text.startswith("["):
        records = [{"zz_note": 1, **record} for record in json.loads(text)]
        return 1, json.dumps(records, indent=rng.choice((None, 2))).encode()
    if path.suffix == ".json":
        # a document of its own
        return 1, json.dumps({"zz_note": 1, **json.loads(text)}).encode()
    records = [{**json.loads(line), "zz_note": 1} for line in text.splitlines()]
    if rng.random() < 0.5:
        return 1, json.dumps(records).encode()
    return 1, "\r\n".join(map(json.dumps, records)).encode()


def judge(result, wanted, format, how, count):
    """What is wrong with a corpus, or nothing."""
    stored = {}
    for doc in result.docs:
        if result.kind == "categories":
            stored[doc.text] = [label for label, value in doc.cats.items() if value]
        else:
            stored[doc.text] = sorted((e.start_char, e.end_char, e.label_) for e in doc.ents)
        if open_ := [t for t in doc if t.ent_iob == 0 and result.kind == "entities"]:
            if format != "conllu":
                return f"a part of {doc.text!r} is missing, and nothing was said to be"
            # where MISC says nothing of a word, nothing is known of it
            gone = {
                mark
                for mark in wanted.get(doc.text, ())
                if any(mark[0] <= t.idx < mark[1] for t in open_)
            }
            stored[doc.text] = sorted({*stored[doc.text], *gone})
    if how in ("none", "outside") and stored != wanted:
        return f"an undamaged file says other things: {_differences(stored, wanted)}"
    for text, marks in stored.items():
        if text not in wanted:
            if how in ("rename", "shift"):
                return f"a text that nobody wrote: {text!r}"
            if why := _of_other_text(text, marks, wanted, count):
                return why
            continue
        if marks == wanted[text] or (
            how == "drop" and format in STANDOFF and _lacks_one(marks, wanted[text])
        ):
            continue
        if how != "flip":
            return f"{text!r} has {marks} and not {wanted[text]}"
        if why := _other_marks(marks, wanted[text], format, count):
            return f"{text!r}: {why}"
    said = sum(map(len, result.refused.values())) + len(result.contradictions) + result.repeated
    if how in ("rename", "shift") and len(stored) + said < len(wanted):
        return f"{len(wanted) - len(stored)} texts are gone, unsaid"
    return ""


def _lacks_one(marks, wanted):
    return len(marks) == len(wanted) - 1 and set(marks) <= set(wanted)


def _other_marks(marks, wanted, format, count):
    """Why marks cannot be what a file with so many turned bits says, or nothing."""
    if len(marks) != len(wanted):
        return f"{len(wanted)} marks became {len(marks)}: {marks}"
    changed = (
        [(new, old) for new, old in zip(marks, wanted) if new != old]
        if len(marks) and not isinstance(marks[0], str)
        else []
    )
    if len(changed) > 2 * count:
        return f"{len(changed)} marks changed"
    for new, old in changed:
        if format in CONFIRMED and new[:2] != old[:2] and set(marks) - set(wanted):
            return f"{old} became {new}, and the file says otherwise"
    return ""


def _of_other_text(text, marks, wanted, count):
    """Why marks of a text that was changed too cannot be what its file says, or nothing."""
    for old, was in wanted.items():
        if (
            len(old) == len(text)
            and sum(a != b for a, b in zip(old, text)) <= count
            and len(was) != len(marks)
        ):
            return f"{old!r} became {text!r}, and its {len(was)} marks {len(marks)}"
    best = max(wanted, key=lambda old: SequenceMatcher(None, old, text).ratio())
    if len(best) - len(text) in (0, 1, 2) and abs(len(wanted[best]) - len(marks)) > 1:
        return f"{best!r} became {text!r}, and its {len(wanted[best])} marks {len(marks)}"
    return ""


def _differences(stored, wanted):
    return {
        text: (stored.get(text), wanted.get(text))
        for text in {*stored, *wanted}
        if stored.get(text) != wanted.get(text)
    }


def try_one(format, how, seed, folder, verb="convert"):
    """What becomes of one damaged file: ("accepted" | "partly" | "refused" | "wrong" | "traceback", why); None if it is as it was."""
    rng = random.Random(f"{format} {how} {seed}")
    path, wanted = make_file(format, folder)
    if verb == "import" and format == "prodigy":
        as_asked(path)
    if not (count := damage(path, how, rng)):
        return None
    kind = "textcat_multilabel" if format in CATEGORY_FILES else "ner"
    told = NAMED.get(format, format) if rng.random() < 0.5 else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AlWarning)
            if verb == "import":
                named = NAMED.get(format, format)
                result = import_into(path, named, kind, folder)
            else:
                result = convert([path], None, lang="xx", format=told, kind=kind)
    except AlError as error:
        return (
            ("refused", str(error))
            if error.code
            else ("wrong", f"a refusal without a code: {error}")
        )
    except Exception as error:
        return "traceback", repr(error)
    if why := judge(result, wanted, format, how, count):
        return "wrong", why
    return ("partly" if result.refused or result.contradictions else "accepted"), ""


def run(files, seed=0, formats=FORMATS, verb="convert"):
    """Try so many files of all formats; what became of them, and what should not be.

    verb (str): "convert", or "import" into a run.
    RETURNS (tuple[dict, list]): For each format a Counter by (damage, outcome); (format, damage, seed, outcome, why).
    """
    counts = {format: Counter() for format in formats}
    faults = []
    each = [(format, how) for format in formats for how in DAMAGE]
    with tempfile.TemporaryDirectory() as top:
        for number in range(files):
            format, how = each[number % len(each)]
            folder = Path(top) / str(number)
            folder.mkdir()
            if number % 200 == 0:
                # each has a vocabulary of its own
                gc.collect()
            where = seed + number // len(each)
            found = try_one(format, how, where, folder, verb)
            for child in sorted(folder.rglob("*"), reverse=True):
                child.rmdir() if child.is_dir() else child.unlink()
            outcome, why = found or ("as it was", "")
            counts[format][how, outcome] += 1
            if outcome in ("wrong", "traceback"):
                faults.append((format, how, where, outcome, why))
    return counts, faults


OUTCOMES = ("accepted", "partly", "refused", "wrong", "traceback")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", action="append", choices=FORMATS)
    parser.add_argument("--verb", choices=("convert", "import"), default="convert")
    given = parser.parse_args()
    counts, faults = run(given.files, given.seed, given.format or FORMATS, given.verb)
    print(f"{'format':18}" + "".join(f"{name:>10}" for name in OUTCOMES))
    for format, found in counts.items():
        sums = [sum(n for (_, what), n in found.items() if what == name) for name in OUTCOMES]
        print(f"{format:18}" + "".join(f"{n:>10}" for n in sums))
    for fault in faults[:40]:
        print(*fault)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
