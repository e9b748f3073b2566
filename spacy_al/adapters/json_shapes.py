"""What records of each format of JSON look like."""

from collections.abc import Callable, Mapping
from typing import Any

from spacy_al.adapters.ground_truth import METADATA
from spacy_al.adapters.hugging_face import TAGS as TAG_KEYS
from spacy_al.adapters.hugging_face import WORDS
from spacy_al.adapters.superannotate import is_document


def fits_shape(fits: Callable[[Any], bool], record: Any) -> bool:
    try:
        return bool(fits(record))
    except (TypeError, AttributeError, LookupError):
        return False


def _has_dict(items: Any, *keys: str) -> bool:
    """Whether something is a list, and its first object, if it has any, has such keys."""
    return isinstance(items, list) and all(
        isinstance(one, dict) and set(keys) <= set(one) for one in items[:1]
    )


def _is_label_studio(one: Any) -> bool:
    return isinstance(one["data"], dict) and isinstance(
        one.get("annotations", one.get("completions")), list
    )


def _is_min(one: Any) -> bool:
    return (
        "id" in one
        and "answer" not in one
        and any(key in one for key in ("annotation_id", "annotator"))
        and "data" not in one
    )


def _is_prodigy(one: Any) -> bool:
    return one.get("answer") in ("accept", "reject", "ignore") and "text" in one


def _is_pair(one: Any) -> bool:
    if isinstance(one, dict):
        # what is in it is pairs
        inner = one.get("annotations")
        return (
            "text" not in one
            and isinstance(inner, list)
            and any(isinstance(p, list) and len(p) == 2 for p in inner[:3])
        )
    return (
        isinstance(one, list)
        and len(one) == 2
        and isinstance(one[0], str)
        and isinstance(one[1], dict)
    )


def _is_triples(items: Any) -> bool:
    """Whether something is a list of [start, end, label]."""
    return isinstance(items, list) and all(
        isinstance(one, list) and len(one) in (3, 4) for one in items[:1]
    )


def _is_entities(one: Any) -> bool:
    plain = _is_triples(one["entities"]) or _has_dict(one["entities"], "start", "end")
    return isinstance(one["text"], str) and plain and not _is_doccano(one)


def _is_doccano(one: Any) -> bool:
    if not isinstance(one.get("text", one.get("data")), str) or "answer" in one or "tokens" in one:
        return False
    if one.get("entities") and _has_dict(one["entities"], "start_offset"):
        return True
    if "annotations" in one and _has_dict(one["annotations"], "label"):
        return True
    return any(
        key in one
        and (
            _is_triples(one[key])
            or isinstance(one[key], str)
            or all(isinstance(each, str) for each in one[key])
        )
        for key in ("label", "labels")
    ) and not _is_min(one)


def _is_doc(one: Any) -> bool:
    return (
        isinstance(one["text"], str)
        and "answer" not in one
        and "label" not in one
        and (
            _has_dict(one.get("ents"), "start", "end")
            or _has_dict(one.get("tokens"), "id", "start", "end")
            or isinstance(one.get("cats"), dict)
            or isinstance(one.get("spans"), dict)
        )
        and "entities" not in one
    )


def _is_hugging_face(one: Any) -> bool:
    if isinstance(one.get("rows"), list) and "features" in one:
        return True
    if any(
        key in one
        and isinstance(one[key], list)
        and all(isinstance(word, str) for word in one[key][:1])
        for key in WORDS
    ):
        return any(isinstance(one.get(key), list) for key in TAG_KEYS)
    return (
        isinstance(one.get("text"), str)
        and type(one.get("label")) is int
        and "answer" not in one
        and not _is_min(one)
    )


def _is_ground_truth(one: Any) -> bool:
    return "source" in one and any(
        key.endswith(METADATA)
        and isinstance(one[key], dict)
        and str(one[key].get("type")).startswith("groundtruth/")
        for key in one
    )


def _is_labelbox(one: Any) -> bool:
    return isinstance(one["data_row"], dict) and isinstance(one["projects"], dict)


def _is_scale(one: Any) -> bool:
    return (
        isinstance(one["params"], dict) and "type" in one and ("response" in one or "status" in one)
    )


# Formats of JSON, what they are known by, and how
SHAPES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "label-studio": ("tasks with 'data' and 'annotations'", _is_label_studio),
    "label-studio-min": ("objects with 'annotator' or 'annotation_id'", _is_min),
    "prodigy": ("tasks with an 'answer'", _is_prodigy),
    "train-data": ("texts with 'entities'", lambda one: _is_pair(one) or _is_entities(one)),
    "hugging-face": ("'tokens' and their tags, or numbers of labels", _is_hugging_face),
    "doccano": ("'text' and 'label'", _is_doccano),
    "ground-truth": ("lines with 'source' and a '…-metadata' of Ground Truth", _is_ground_truth),
    "labelbox": ("data rows with their 'projects'", _is_labelbox),
    "scale": ("tasks with 'params' and 'response'", _is_scale),
    "superannotate": ("documents with 'metadata' and 'instances'", is_document),
    "jsonl": ("objects as Doc.to_json makes them", _is_doc),
}
