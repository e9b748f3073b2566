"""What the first hour of a run will be, in numbers, before the first question."""

from dataclasses import dataclass
from itertools import islice
from statistics import mean

from spacy_al.config.project import Project
from spacy_al.corpus.pool import n_stored, pool_texts
from spacy_al.loop.measuring import n_measuring, n_most
from spacy_al.query.costs import fit_seconds
from spacy_al.store.store import Store

HOUR = 3600.0
# Texts that are looked at for their length
LOOKED_AT = 500
# As `oracle.annotator` has it of clinical annotators (Wei et al., 2019): 0.32 seconds a word and 4.6 an entity, here with one entity in 13
# words; and 0.25 seconds for a word that is only read, with 3 for the choice, which is a guess
MARKED, READ, CHOICE = 0.32 + 4.6 / 13, 0.25, 3.0


@dataclass(frozen=True)
class FirstHour:
    """The plan.

    seconds (float): An answer takes, on average.
    is_measured (bool): Whether people's own times say so, or a model of others'.
    texts, measure, learn (int): Texts that one person answers in an hour, and what they are for.
    first_model (int | None): After how many answers the first model trains; None where one is trained before the first question.
    batch (int): Answers between two models.
    n_pool (int): Texts of the pool.
    overlap (int): How many people answer each text.
    """

    seconds: float
    is_measured: bool
    texts: int
    measure: int
    learn: int
    first_model: int | None
    batch: int
    n_pool: int
    overlap: int = 1

    @property
    def sentence(self) -> str:
        """The plan in a paragraph."""
        known = "as your answers so far" if self.is_measured else "a guess, until yours are known"
        said = f"The first hour: {self.texts:,} texts at {self.seconds:.0f} seconds each ({known})"
        said += (
            f", {self.measure:,} to measure on and {self.learn:,} to learn from."
            if self.measure
            else ", all to learn from."
        )
        people = ""
        if self.overlap > 1:
            said += f" Each text is answered by {self.overlap} people."
            people = f" for {self.overlap} people at once"
        if self.first_model is None:
            return f"{said} A model is there before the first question; the next one comes after {self.batch:,} answers."
        minutes = self.first_model / self.overlap * self.seconds / 60
        is_all = self.first_model >= self.n_pool * self.overlap
        later = "" if is_all else f", then one after every {self.batch:,}"
        return f"{said} The first model comes after {self.first_model:,} answers ({minutes:.0f} minutes{people}){later}."


def first_hour(store: Store, project: Project) -> FirstHour:
    """Plan the first hour from the settings, the length of the texts, and how fast people are as far as that is known."""
    settings = project.settings
    assert settings.pool is not None
    n_pool = n_stored(settings.pool)
    lengths = [len(text.split()) for text in islice(pool_texts(settings.pool), LOOKED_AT)]
    words = mean(lengths) if lengths else 0.0
    costs = fit_seconds(store)
    if costs is not None:
        seconds = costs.per_text + costs.per_token * words + costs.per_mark * words / 13
    else:
        seconds = READ * words + CHOICE if project.kind == "categories" else MARKED * words
    seconds = max(1.0, seconds)
    total = min(int(HOUR / seconds), n_pool)
    size = settings.batch_size
    most = 0 if settings.dev else min(settings.dev_size, n_most(n_pool))
    measure = asked = 0
    while asked < total:
        here = n_measuring(measure, size, most)
        part = min(size, total - asked)
        # they stand evenly among the others
        measure, asked = measure + round(here * part / size), asked + part
    # gold says the same however often it is asked
    overlap = 1 if project.oracle else settings.overlap
    begins = bool(settings.train or settings.weak) and not settings.asks_only
    return FirstHour(
        seconds,
        costs is not None,
        total,
        measure,
        total - measure,
        None if begins and settings.dev else min(size, n_pool) * overlap,
        size * overlap,
        n_pool,
        overlap,
    )
