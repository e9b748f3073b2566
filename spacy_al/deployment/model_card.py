"""The card of a promoted model, after Mitchell et al. (2019): what it was made of, how good it is and where, and what nobody has measured.

What only its users know stands under headings of its own, to be filled in; what was filled in is kept when a later model is promoted.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from spacy_al.corpus.shard import writing
from spacy_al.deployment.card_facts import CardFacts
from spacy_al.measures.paired import Difference
from spacy_al.reporting.markdown import escape, format_table
from spacy_al.training.made_from import CARD

OPEN = "*To be filled in by those who use it.*"
# What nobody but its users can say: heading -> the question
YOURS = {
    "Who made it and who answers for it": "A person, a unit, and how to reach them.",
    "Intended use": "What it is used for, by whom, on which texts.",
    "Uses that it is not for": "Decisions that must not rest on it alone; texts that it was not made for.",
    "Groups and settings that matter": "Patients, parties, wards, kinds of documents in which it may do better or worse.",
    "Ethical considerations": "Whose data it has seen and by what right; what a mistake costs, and whom.",
}
UNKNOWN = "–"


def write_card(facts: CardFacts, before: Path | None = None) -> Path:
    """Write the card into the folder of the model. It takes the place of one that was there once it is whole.

    before (Path | None): Folder of the model that was in use before: what people filled in on its card is taken over, unless this one's has it.
    RETURNS (Path): The file.
    RAISES (AlError): AL047 if it cannot be written.
    """
    path = facts.model / CARD
    said = {**filled_in(before / CARD if before else None), **filled_in(path)}
    with writing(path) as file:
        file.write(format_card(facts, said))
    return path


def filled_in(path: Path | None) -> dict[str, str]:
    """What people have written on a card, by heading."""
    if path is None or not path.is_file():
        return {}
    text = path.read_text("utf8")
    found = {}
    for heading, hint in YOURS.items():
        part = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
        own = part[1].replace(OPEN, "").replace(f"{hint}", "").strip() if part else ""
        if own:
            found[heading] = own
    return found


def format_card(facts: CardFacts, said: dict[str, str]) -> str:
    """The card as Markdown. said (dict): What people have filled in, by heading."""
    title = escape(facts.meta.get("name") or facts.project.config.stem)
    parts = [f"# Model card: {title}", *_sections(facts, said)]
    return "\n\n".join(parts) + "\n"


def _sections(facts: CardFacts, said: dict[str, str]) -> Iterator[str]:
    yield "## Model details"
    yield _details(facts)
    names = [*YOURS]
    for name in names[:4]:
        yield _yours(name, said)
    yield "## Training data"
    yield _training(facts)
    yield "## Evaluation data"
    yield _evaluation(facts)
    yield "## Scores"
    yield _scores(facts)
    yield "## How it was compared"
    yield _comparison(facts)
    yield _yours(names[4], said)
    yield "## Limits"
    yield _limits(facts)
    yield "## How to load it"
    yield _loading(facts)


def _yours(name: str, said: dict[str, str]) -> str:
    return f"## {name}\n\n{said.get(name) or f'{OPEN} {YOURS[name]}'}"


def _details(facts: CardFacts) -> str:
    day = datetime.fromtimestamp(facts.at, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    settings = facts.project.settings
    where = "it comes from elsewhere" if facts.round is None else f"round {facts.round}"
    rows = [
        ("Promoted", day),
        ("Made by", f"{where} of {facts.project.config.name}"),
        ("Language", facts.meta.get("lang", UNKNOWN)),
        ("Pipeline", ", ".join(facts.meta.get("pipeline", []))),
        ("Component that was taught", f"{settings.component} ({settings.factory})"),
        ("Begins with", settings.source or "nothing"),
        ("Learns with", facts.metrics.get("learner", {}).get("name") or settings.learner),
        ("Hash of the model", facts.hash),
        *((f"Version of {name}", value) for name, value in facts.versions.items()),
    ]
    return format_table(("", "value"), rows)


def _training(facts: CardFacts) -> str:
    metrics = facts.metrics
    if facts.round is None:
        return "It was not trained by this run, which knows nothing of what it has learned from."
    lines = [
        f"It was trained on {metrics.get('texts', 0):,} texts with {metrics.get('words', 0):,} words, of which people labelled "
        f"{metrics.get('words_labelled', 0):,}. Rounds before it asked for {facts.answers:,} answers."
    ]
    for name, rounds in facts.strategies.items():
        shown = ", ".join(map(str, rounds))
        lines.append(f"Questions of round {shown} were chosen by {escape(name)}.")
    if n := metrics.get("self_trained"):
        lines.append(f"{n:,} more texts train that only a model has labelled.")
    if facts.forgotten:
        lines.append(f"{facts.forgotten:,} texts of these rounds were forgotten since.")
    found = [" ".join(lines)]
    if balance := metrics.get("balance"):
        found.append(format_table(("label", "in answers"), sorted(balance.items())))
    if hashes := metrics.get("hashes"):
        found.append(format_table(("of", "hash"), sorted(hashes.items())))
    return "\n\n".join(found)


def _evaluation(facts: CardFacts) -> str:
    if not facts.texts:
        return "It was not measured: there are no held-out texts."
    used = (
        "These are the texts of the run's development set, on which the best step of its training was chosen: it looks better on them than it is."
        if facts.gold == facts.project.dev
        else "No model has learned from them, and none was chosen by them, as far as the run knows."
    )
    return f"{facts.texts:,} texts of `{_code(facts.gold)}` (hash {facts.gold_hash}). {used}"


def _scores(facts: CardFacts) -> str:
    if not facts.rows:
        return "None."
    rows = [
        (row.label, _number(row.score), *_bounds(row.interval), row.wanted) for row in facts.rows
    ]
    parts = [
        format_table(("", "F", "at least", "at most", "answers in gold"), rows),
        "Bounds hold 95 of 100 draws of the texts: a percentile bootstrap, too narrow of few texts.",
    ]
    if facts.not_measured:
        parts.append("Not measured:")
        parts.append(
            "\n".join(f"- {escape(k)}: {escape(why)}" for k, why in facts.not_measured.items())
        )
    error, heat = facts.calibration_error, facts.metrics.get("temperature")
    said = "nobody knows how far" if error is None else f"with a mean error of {error:.3f}"
    fitted = "A temperature was fitted for it" if heat else "No temperature was fitted"
    parts.append(f"Its probabilities can be trusted {said} (calibration error). {fitted}.")
    return "\n\n".join(parts)


def _comparison(facts: CardFacts) -> str:
    found, rule = facts.verdict, facts.rule
    if found is None:
        return "It is the first model in use, and was compared with nothing."
    rows = [("all", found.score), *found.labels.items(), ("calibration error", found.calibration)]
    return "\n\n".join(
        [
            f"With the model that was in use before, on the same {found.texts:,} texts, by a paired bootstrap over texts. It had to be surely better "
            f"by more than {rule.margin:g} with {rule.level:.0%} certainty, no label could lose {rule.label_loss:g}, nor its calibration error rise by "
            f"{rule.calibration_loss:g}.",
            format_table(
                ("", "before", "this model", "at least", "at most"),
                [_difference(name, one) for name, one in rows if one is not None],
            ),
        ]
    )


def _limits(facts: CardFacts) -> str:
    lines = [
        "Texts that train were chosen because they teach much. They are no sample of anything: shares of labels among them say nothing of the texts it "
        "will see.",
        "A score holds for texts like those it was measured on. Whether recent ones are still like them, `status --check` says.",
    ]
    if facts.few:
        names = ", ".join(map(escape, facts.few))
        lines.append(f"Too rare in the held-out texts for a score that says something: {names}.")
    if facts.not_measured:
        names = ", ".join(map(escape, facts.not_measured))
        lines.append(f"Nobody has measured: {names}.")
    if facts.calibration_error is None:
        lines.append("How honest its probabilities are was not measured.")
    return "\n".join(f"- {line}" for line in lines)


def _loading(facts: CardFacts) -> str:
    needs = facts.meta.get("requirements") or []
    spacys = facts.meta.get("spacy_version", "")
    said = f"It needs spaCy {escape(spacys)}" + (
        f" and {', '.join(map(escape, needs))}." if needs else " alone."
    )
    path = str(facts.model).replace("\\", "\\\\").replace('"', '\\"')
    return f'{said}\n\n```python\nimport spacy\n\nnlp = spacy.load("{_code(path)}")\n```'


def _code(path: Path | str) -> str:
    """A path within marks of code, which it cannot end."""
    return re.sub(r"[`\r\n]", "?", str(path))


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"


def _bounds(interval: tuple[float, float] | None) -> tuple[str, str]:
    low, high = interval or (None, None)
    return _number(low), _number(high)


def _difference(name: str, one: Difference) -> tuple[str, ...]:
    return (name, f"{one.old:.3f}", f"{one.new:.3f}", f"{one.low:+.3f}", f"{one.high:+.3f}")
