"""The sums over the rounds of a run: those that stopping criteria look at, and the cost of answers."""

from collections.abc import Mapping
from typing import Literal

from spacy_al.config.project import Project
from spacy_al.metrics import RoundMetrics
from spacy_al.registry import resolve
from spacy_al.reporting.words import format_score_name
from spacy_al.stopping.verdict import HistoryRow
from spacy_al.store.store import Store
from spacy_al.tasks.decision import decided_tokens
from spacy_al.util import callable_name

# Texts that a score is measured on before it is stopped by: of fewer it goes up and down by more than a round gains
LEAST = 50


def stopping(
    store: Store, project: Project, number: int, metrics: RoundMetrics
) -> tuple[bool, list[str]]:
    """Whether a round is the last one, and a sentence of each criterion on why."""
    most = project.settings.max_rounds
    full = number >= most
    verb = "Stops" if full else "Goes on"
    reasons = [f"{verb}: {number} of at most {most} batches have been answered (max_rounds)."]
    block = project.settings.blocks.get("stopper")
    if block and (new := _without_marks(store, number, metrics)):
        # whatever the criteria say, they say of the labels before
        reasons.append(f"Goes on: no answer has {', '.join(new)} yet.")
    elif block and (few := _too_few(project, metrics)):
        reasons.append(f"Goes on: its score is of {few} texts so far, too few to stop by.")
    elif block:
        rows, stopper = round_history(store, number, metrics), resolve(block)
        stop, reason = stopper(rows)
        full = full or stop
        # one sentence a criterion is easier to read than all of them in one
        parts = stopper.keywords["stoppers"] if callable_name(stopper) == "any_of" else {}
        reasons += [f"{part(rows)[1].rstrip('.')} ({name})." for name, part in parts.items()]
        reasons += [] if parts else [reason]
    return full, reasons


def _too_few(project: Project, metrics: RoundMetrics) -> int:
    """How many texts a score was measured on, where the development set still grows and is too small to stop by; else 0."""
    settings, dev = project.settings, metrics.get("dev")
    if settings.dev is not None or dev is None:
        return 0
    # a run of an earlier version may not know
    texts = dev.get("texts", LEAST)
    return texts if texts < min(LEAST, settings.dev_size) else 0


def _without_marks(store: Store, number: int, metrics: RoundMetrics) -> list[str]:
    """The labels that the run got later and that no answer has which a round has trained on."""
    known: RoundMetrics = store.metrics().get(number, {})
    balance = metrics.get("balance", known.get("balance", {}))
    return [name for name in store.labels().later(0) if not balance.get(name)]


def round_history(store: Store, number: int, metrics: RoundMetrics) -> list[HistoryRow]:
    """The history that stopping criteria look at: one entry for each round that has a model, oldest first."""
    rounds = store.metrics()
    known: RoundMetrics = rounds.get(number, {})
    rounds[number] = {**known, **metrics}
    found: list[HistoryRow] = []
    answers = words_asked = words_decided = seconds = 0.0
    same = max(breaks({k: row for k, row in rounds.items() if k <= number}), default=0)
    for k in sorted(rounds):
        row = rounds[k]
        if "dev" in row and k <= number:
            found.append(
                {
                    "texts": row.get("texts"),
                    "words": row.get("words"),
                    "kappa": row.get("kappa"),
                    "span_f1": row.get("span_f1"),
                    "expected_errors": row.get("expected_errors"),
                    "expected_answers": row.get("expected_answers"),
                    "n_pool": row.get("n_pool"),
                    "round": k,
                    # a score of other labels is another score
                    "score": row["dev"]["score"] if k >= same else None,
                    "score_name": format_score_name(row["dev"]["score_name"])[0],
                    "answers": answers,
                    "words_asked": words_asked,
                    "words_decided": words_decided,
                    "seconds": seconds,
                }
            )
        answers += row.get("answers", 0)
        words_asked += row.get("words_shown", 0)
        words_decided += row.get("words_decided", 0)
        seconds += row.get("seconds_answers", 0)
    return found


def breaks(rounds: Mapping[int, RoundMetrics], name: Literal["dev", "test"] = "dev") -> list[int]:
    """The rounds whose score counts other labels than that of the round before, so that the two cannot be compared.

    rounds (Mapping): Their metrics by number.
    name (str): Whose score.
    """
    found, before = list[int](), None
    for number in sorted(rounds):
        # what an earlier version measured is what the run started with
        measures = rounds[number].get(name, {}).get("measures")
        if measures is not None:
            found += [number] if before is not None and measures != before else []
            before = measures
    return found


def spent(store: Store, number: int) -> RoundMetrics:
    """The cost of a round's answers: how many, the annotators' seconds, words shown and words decided."""
    tasks = {stored.id: stored.task for stored in store.tasks(number)}
    own = [answer for answer in store.answers() if answer.task in tasks]
    return {
        "answers": len(own),
        "seconds_answers": sum(answer.seconds or 0.0 for answer in own),
        "words_shown": sum(len(tasks[answer.task]["tokens"]) for answer in own),
        "words_decided": sum(len(decided_tokens(tasks[a.task], a.payload)) for a in own),
    }
