"""A folder of data rows and annotations, as Labelbox imports them and we write them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json
from spacy_al.adapters.platform_spans import PlatformSpan, place_spans
from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.record_check import short

ROWS, ANNOTATIONS, ONTOLOGY = "data_rows.json", "annotations.ndjson", "ontology.json"
Row = tuple[str, Any]


def read_labelbox_folder(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read a folder.

    YIELDS (LabelledRecord): One for each text. One with nothing in it has no line there: it is counted, and left out.
    RAISES (AlError): As `read_json`.
    """
    texts: dict[str, tuple[str, str]] = {}
    for where, row in read_json(path / ROWS, reading):
        if not isinstance(row, dict) or not isinstance(row.get("row_data"), str):
            yield {"where": where, "problem": f"it is no data row with a text: {short(row)}"}
        elif not isinstance(row.get("global_key"), str) or row["global_key"] in texts:
            why = f"its global_key is {short(row.get('global_key'))}, or another has the same"
            yield {"where": where, "problem": why}
        else:
            texts[row["global_key"]] = (where, row["row_data"])
    lines: dict[str, list[tuple[str, Any]]] = {key: [] for key in texts}
    spoiled: dict[str, str] = {}
    for where, line in read_json(path / ANNOTATIONS, reading):
        key = line["dataRow"].get("globalKey") if _is_line(line) else None
        if key not in lines:
            why = str(line) if isinstance(line, ValueError) else f"no data row is {short(key)}"
            yield {"where": where, "problem": why}
            # whose line it was, nobody knows, and a text that lacks one of its spans would teach that it is none
            spoiled |= dict.fromkeys(texts, where)
        else:
            lines[key].append((where, line))
    known = _options(path, lines)
    for key, (where, text) in texts.items():
        if not lines[key]:
            reading.skip(["texts without an annotation"])
        elif key in spoiled:
            yield {"where": where, "problem": f"an annotation at {spoiled[key]} may be of it"}
        else:
            yield _of_lines(where, text, lines[key], known, reading)


def _is_line(line: Any) -> bool:
    return isinstance(line, dict) and isinstance(line.get("dataRow"), dict)


def _options(path: Path, lines: Mapping[str, Sequence[Row]]) -> list[str]:
    """The categories that could be chosen: those of the ontology, else those that were."""
    found = set[str]()
    if (path / ONTOLOGY).is_file():
        for _, value in read_json(path / ONTOLOGY):
            given = value.get("classifications") if isinstance(value, dict) else None
            for one in given if isinstance(given, list) else ():
                options = one.get("options") if isinstance(one, dict) else None
                for option in options if isinstance(options, list) else ():
                    if isinstance(option, dict) and isinstance(option.get("label"), str):
                        found.add(option["label"])
    for own in lines.values():
        for _, line in own:
            answer = line.get("answer")
            for one in [answer] if isinstance(answer, dict) else answer or ():
                if isinstance(one, dict) and isinstance(one.get("name"), str):
                    found.add(one["name"])
    return sorted(found)


def _of_lines(
    where: str, text: str, lines: Sequence[Row], known: Sequence[str], reading: Reading
) -> LabelledRecord:
    kind = "answer" if reading.kind == "categories" else "location"
    try:
        for place, line in lines:
            if ("location" in line) == ("answer" in line) or not isinstance(line.get("name"), str):
                raise ValueError(f"{place} has no name, and one of location and answer")
        own = [line for _, line in lines if kind in line]
        if not own:
            raise ValueError(f"it has no annotation with '{kind}'")
        record: LabelledRecord = {"where": where, "text": text}
        if kind == "location":
            spans = [entity_of(line) for line in own]
            return {**record, "spans": place_spans(spans, text, "utf-16")}
        if len(own) > 1:
            raise ValueError(f"{len(own)} questions are answered, and one is to be meant")
        answer = own[0]["answer"]
        chosen = [one["name"] for one in ([answer] if isinstance(answer, dict) else answer)]
        if not {*chosen} <= {*known}:
            raise ValueError(f"it answers {short(chosen)}")
        return {**record, "cats": {name: float(name in chosen) for name in known}}
    except (LookupError, TypeError):
        return {"where": where, "problem": "an answer of it has no name"}
    except ValueError as error:
        return {"where": where, "problem": str(error)}


def entity_of(one: Any) -> PlatformSpan:
    """An entity. Its value stays when its name is edited, so the name is the label."""
    location = one.get("location") if isinstance(one, dict) else None
    if not isinstance(location, dict) or "name" not in one:
        raise ValueError(f"an entity is {short(one)}, without a name and a location")
    last = location.get("end")
    end = last + 1 if type(last) is int else last
    # versions before 2020 called the words text
    words = location.get("token", location.get("text"))
    return PlatformSpan(location.get("start"), end, one["name"], words)
