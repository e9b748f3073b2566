"""The factories of spaCy whose components can be taught, and all that is to be known of them: one row each, of names, never of functions.

A factory of one's own is one row more: `FACTORIES["my_ner"] = replace(FACTORIES["ner"], name="my_ner")`.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Factory:
    """How a factory's components are asked about, read, judged and taught.

    name (str): spaCy's name of the factory.
    task (str): What a person is asked for: "entities", "spans", "tags" or "categories".
    view_id (str): Prodigy's interface for that.
    posterior (str): The kind of its posterior, by which acquisitions fit it.
    reader (str): The registered reader of its posterior.
    gold (str): What a gold document has to carry, as one would say it.
    answers (str): What reads the right answers off a gold document; a key of `evaluation.gold.ANSWERS`.
    score (str): spaCy's name of the score that is reported.
    details (tuple): spaCy's names of precision, recall and the scores by label; None for those that it has not.
    attribute (str | None): The attribute of tokens by which scores by label are counted where spaCy has none.
    is_exclusive (bool): Whether one category excludes all others.
    is_asked (bool): Whether answers can teach it; features and sentence starts have no form of their own yet.
    learns_partly (bool): Whether it learns from a text which is labelled in part. What a span categoriser or a classifier is
        not told, it takes for wrong.
    learns_rejected (bool): Whether it reads spans that somebody said no to, by `incorrect_spans_key`.
    asks_yes_no (bool): Whether each of its answers can be asked about by itself, with a yes or no.
    is_sure_of_whole (bool): Whether its analysis of a whole text has a probability, by which sure texts are told from others.
    is_greedy (bool): Whether it parses greedily, so that its posterior has temperatures by state, as `EntityTemperatures` says,
        and beams can be compared with it.
    pace (int): How many times as many steps of training it needs, as nearly all of its candidates are nothing; 0 where it is
        fitted when it is initialised.
    """

    name: str
    task: str
    view_id: str
    posterior: str
    reader: str
    gold: str
    answers: str
    score: str
    details: tuple[str | None, str | None, str | None] = (None, None, None)
    attribute: str | None = None
    is_exclusive: bool = True
    is_asked: bool = True
    learns_partly: bool = False
    learns_rejected: bool = False
    asks_yes_no: bool = False
    is_sure_of_whole: bool = False
    is_greedy: bool = False
    pace: int = 1


_NER = Factory(
    name="ner",
    task="entities",
    view_id="ner_manual",
    posterior="entities",
    reader="spacy-al.ner.v1",
    gold="entities",
    answers="entities",
    score="ents_f",
    details=("ents_p", "ents_r", "ents_per_type"),
    learns_partly=True,
    learns_rejected=True,
    asks_yes_no=True,
    is_sure_of_whole=True,
    is_greedy=True,
)
_SPANCAT = Factory(
    name="spancat",
    task="spans",
    view_id="spans_manual",
    posterior="spans",
    reader="spacy-al.spancat.v1",
    gold="doc.spans['{key}']",
    answers="spans",
    score="spans_{key}_f",
    details=("spans_{key}_p", "spans_{key}_r", "spans_{key}_per_type"),
    pace=3,
)
_TEXTCAT = Factory(
    name="textcat",
    task="categories",
    view_id="choice",
    posterior="exclusive categories",
    reader="spacy-al.textcat.v1",
    gold="doc.cats",
    answers="categories",
    score="cats_score",
    details=("cats_macro_p", "cats_macro_r", "cats_f_per_type"),
    is_sure_of_whole=True,
)
_MULTILABEL = Factory(
    name="textcat_multilabel",
    task="categories",
    view_id="choice",
    posterior="multilabel categories",
    reader="spacy-al.textcat.v1",
    gold="doc.cats",
    answers="categories",
    score="cats_score",
    details=("cats_macro_p", "cats_macro_r", "cats_f_per_type"),
    is_exclusive=False,
)
_ROWS = (
    _NER,
    replace(_NER, name="beam_ner", reader="spacy-al.beam_ner.v1", is_greedy=False),
    _SPANCAT,
    replace(_SPANCAT, name="spancat_singlelabel"),
    _TEXTCAT,
    _MULTILABEL,
    # linear heads: nothing is left to learn once they are initialised
    replace(_TEXTCAT, name="al_textcat", pace=0),
    replace(_MULTILABEL, name="al_textcat_multilabel", pace=0),
    Factory(
        name="tagger",
        task="tags",
        view_id="pos_manual",
        posterior="tokens",
        reader="spacy-al.tagger.v1",
        gold="tags",
        answers="tags",
        score="tag_acc",
        attribute="TAG",
        learns_partly=True,
    ),
    Factory(
        name="morphologizer",
        task="tags",
        view_id="pos_manual",
        posterior="tokens",
        reader="spacy-al.tagger.v1",
        gold="morphological features or parts of speech",
        answers="tags",
        score="pos_acc",
        attribute="POS",
        is_asked=False,
    ),
    Factory(
        name="senter",
        task="tags",
        view_id="pos_manual",
        posterior="tokens",
        reader="spacy-al.tagger.v1",
        gold="sentence starts",
        answers="starts",
        score="sents_f",
        details=("sents_p", "sents_r", None),
        is_asked=False,
    ),
)
FACTORIES: dict[str, Factory] = {row.name: row for row in _ROWS}
# What is asked for as long as no config and no model says otherwise
USUAL = "ner"
