"""The texts of a batch to learn from as if they had been drawn uniformly: each with the rate at which a pass over them takes it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from spacy.tokens import Doc

from spacy_al.corpus.shard import RATE_KEY, check_writable, write_shard
from spacy_al.estimation.totals import draw_weights
from spacy_al.evaluation.pool_score import used_draws
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash


def write_weighted(tasks: Sequence[Task], gold: Mapping[str, Doc | None], output: Path) -> int:
    """Write what `weigh_drawn` gives.

    tasks, gold: As for `weigh_drawn`.
    output (Path): A `.spacy` file.
    RETURNS (int): How many texts were written.
    RAISES (AlError): AL047 if it cannot be written; as `weigh_drawn`.
    """
    check_writable(output)
    found = weigh_drawn(tasks, gold)
    write_shard(found, output)
    return len(found)


def weigh_drawn(tasks: Sequence[Task], gold: Mapping[str, Doc | None]) -> list[Doc]:
    """The answered texts of a batch, each with a rate in proportion to how many texts of the pool it stands for (Farquhar et al., 2021).

    Whoever learns from them at these rates sees, on average, the pool. That often does not help, as what was chosen was chosen since it
    teaches more; docs/estimates.md has what was measured.

    tasks (Sequence[Task]): All questions of the batch, as they were asked.
    gold (Mapping): By the hash of the text what is right; None where the answer decides nothing. Gets `doc.user_data["al_rate"]`: above 0, and 1
        for the text that stands for most.
    RETURNS (list[Doc]): In the order of the draws.
    RAISES (AlError): As `used_draws`.
    """
    drawn, draws = used_draws(tasks, gold)
    weights = draw_weights(draws)
    found = []
    for task, weight in zip(drawn, weights / weights.max()):
        doc = gold[content_hash(task["text"])]
        if doc is not None:
            doc.user_data[RATE_KEY] = float(weight)
            found.append(doc)
    return found
