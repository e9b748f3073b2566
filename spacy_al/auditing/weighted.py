"""An audited corpus to learn from: each text with how likely its labels are right, by which a pass over the corpus takes it."""

from collections.abc import Sequence

from spacy.tokens import Doc

from spacy_al.auditing.judged import JudgedCorpus
from spacy_al.corpus.shard import RATE_KEY
from spacy_al.errors import Errors, UsageError

# No text is left out for good because of what models say
LEAST = 0.01


def weigh_texts(docs: Sequence[Doc], corpus: JudgedCorpus, n_drop: int = 0) -> list[Doc]:
    """The texts of a corpus, each with the rate at which `spacy-al.batch_sampled.v1` takes it; their labels are not changed.

    The rate is one less the evidence against the most doubtful mark, which stands for P(right). It is no product over the marks, as long texts
    would hardly be seen then, and no probability of the mark alone, by which what a weak model has not learned would be left out.

    docs (Sequence[Doc]): The corpus, as stored. Gets `doc.user_data["al_rate"]`.
    corpus (JudgedCorpus): What was found out about them. Texts that were not judged have no rate, and are taken always.
    n_drop (int): So many texts are left out, the most doubtful first.
    RAISES (UsageError): AL087 for more than there are doubtful ones.
    """
    doubted = [text for text in corpus.texts if text.score > 0]
    if not 0 <= n_drop <= len(doubted):
        must = f"0 to {len(doubted):,}, the texts in which anything is doubted"
        raise UsageError(Errors.AL087.format(name="--drop", value=n_drop, must=must))
    dropped = {text.row for text in sorted(doubted, key=lambda t: (-t.score, t.row))[:n_drop]}
    for text in corpus.texts:
        most = max((one.evidence for one in text.findings), default=0.0)
        docs[text.row].user_data[RATE_KEY] = round(max(1 - most, LEAST), 4)
    return [doc for row, doc in enumerate(docs) if row not in dropped]
