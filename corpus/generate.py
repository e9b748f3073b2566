"""Write the corpus: `python corpus/generate.py` makes the .spacy files beside this one anew.

Every sentence is drawn from the grammars in `words.txt`, `clinical.txt` and `contracts.txt` with one
seed, so a rerun gives the same files. The grammars read like this:

    rule: this | that           alternatives, parted by a bar with a blank on both sides
      *3 text | other           a further line of them; the line as a whole weighs 3
    {rule}                      the expansion of a rule
    {LABEL:rule}  {LABEL}       the same, annotated; {LABEL} is short for {LABEL:label}
    {2-40}  {01-12}  {a-f}      a number, a padded number, a letter
    <a|b|>  <a>                 one of them; a single choice is there or not
"""

import argparse
import random
import re
from functools import cache
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

HERE = Path(__file__).parent
SEED = 4
SIZES = {"seed": 150, "dev": 300, "test": 500, "pool": 3000}
# Shares of sentences with one typing error, in capitals throughout, without any capitals
TYPO, UPPER, LOWER = 0.08, 0.03, 0.04
# Categories: the rules that a whole sentence can come from. What could stand in any of a side's documents is the rest
KINDS = {
    "clinical": [
        "admission",
        "discharge",
        "medication",
        "radiology",
        "nursing",
        "telephone",
        "allergy_line",
    ],
    "contract": ["services", "lease", "loan", "employment", "nda", "amendment"],
}
REST = {"clinical": "note", "contract": "clause"}
# A span over two entities, the second right after the first
WITHIN, OVER = ("DRUG", "DOSAGE"), "PRESCRIPTION"

Piece = tuple[str, str]  # a text and its label, "" where it has none
Grammar = dict[str, tuple[list[str], list[float]]]


def read_grammar(folder: Path = HERE) -> Grammar:
    """Read the rules of the three grammar files.

    folder (Path): where they are.
    RETURNS (Grammar): for each rule its alternatives and their weights.
    """
    grammar: Grammar = {"nl": (["\n"], [1.0])}
    name = ""
    for file in ("words.txt", "clinical.txt", "contracts.txt"):
        for line in (folder / file).read_text(encoding="utf8").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            total = None
            if not line.startswith(" "):
                name, _, line = line.partition(":")
                grammar[name] = ([], [])
            else:
                total, line = weighted(line)
            pairs = [weighted(text) for text in re.split(r" \|(?= |$)", line) if text.strip()]
            scale = 1.0 if total is None else total / sum(weight for weight, _ in pairs)
            grammar[name][0].extend(text for _, text in pairs)
            grammar[name][1].extend(weight * scale for weight, _ in pairs)
    return grammar


def weighted(text: str) -> tuple[float, str]:
    """Take a leading `*3` off an alternative; without one it weighs 1."""
    match = re.match(r"\s*(?:\*([\d.]+) )?(.*?)\s*$", text)
    assert match
    return float(match[1] or 1), match[2]


@cache
def parse(template: str) -> tuple[str | tuple[str, ...], ...]:
    """Cut a template at its outermost <>: text stays a string, a choice becomes a tuple of templates."""
    parts: list[str | tuple[str, ...]] = []
    depth, choices = 0, [""]
    for char in template:
        if char == "<":
            depth += 1
        if depth == 0 or (depth == 1 and char not in "<|>") or depth > 1:
            choices[-1] += char
        if depth == 1 and char == "<":
            parts.append(choices[0])
            choices = [""]
        elif depth == 1 and char == "|":
            choices.append("")
        elif depth == 1 and char == ">":
            parts.append(tuple(choices) if len(choices) > 1 else (choices[0], ""))
            choices = [""]
        if char == ">":
            depth -= 1
    if depth:
        raise ValueError(f"A choice is not closed: {template}")
    return (*parts, choices[0])


def expand(template: str, grammar: Grammar, rng: random.Random, label: str = "") -> list[Piece]:
    """Draw one expansion of a template, as pieces of text with their labels."""
    pieces: list[Piece] = []
    for part in parse(template):
        if isinstance(part, tuple):
            pieces += expand(rng.choice(part), grammar, rng, label)
            continue
        for text in re.split(r"(\{[^}]+\})", part):
            if not text.startswith("{"):
                pieces.append((text, label))
            elif match := re.fullmatch(r"\{(\d+)-(\d+)\}", text):
                number = rng.randint(int(match[1]), int(match[2]))
                pieces.append((f"{number:0{len(match[1])}}", label))
            elif match := re.fullmatch(r"\{([A-Za-z])-([A-Za-z])\}", text):
                pieces.append((chr(rng.randint(ord(match[1]), ord(match[2]))), label))
            else:
                own, _, rule = text[1:-1].rpartition(":")
                own = own or (rule if rule.isupper() else "")
                texts, weights = grammar[rule.lower() if rule.isupper() else rule]
                pieces += expand(rng.choices(texts, weights)[0], grammar, rng, own or label)
    return pieces


def join(pieces: list[Piece]) -> list[Piece]:
    """Merge neighbours of one label and mend the seams: blanks, doubled full stops, a/an."""
    merged: list[Piece] = []
    for text, label in pieces:
        if merged and merged[-1][1] == label:
            text = merged.pop()[0] + text
        if text:
            merged.append((text, label))
    joined: list[Piece] = []
    for text, label in merged:
        text = re.sub(r" +(?=[ .,;:])", "", text)
        before = joined[-1][0] if joined else " "
        if before.endswith(".") and text.startswith("."):
            text = text[1:]
        if before.endswith(" "):
            text = text.lstrip(" ")
        text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text) if not label else text
        if not joined or joined[-1][1] or not re.search(r"\b[Aa] $", before):
            pass
        elif text[:1].lower() in "aeiou":
            joined[-1] = (before[:-1] + "n ", "")
        if text:
            joined.append((text, label))
    if joined:
        joined[-1] = (joined[-1][0].rstrip(" "), joined[-1][1])
    return joined


def disturb(pieces: list[Piece], rng: random.Random) -> list[Piece]:
    """Give the sentence its first capital, and a few sentences what hurried typists leave behind."""
    style = rng.random()
    if style < UPPER:
        return [(text.upper(), label) for text, label in pieces]
    if style < UPPER + LOWER:
        return [(text.lower(), label) for text, label in pieces]
    pieces = [(pieces[0][0][:1].upper() + pieces[0][0][1:], pieces[0][1]), *pieces[1:]]
    if rng.random() < TYPO:
        at = rng.randrange(len(pieces))
        text, label = pieces[at]
        if words := list(re.finditer(r"[a-z]{5,}", text)):
            word = rng.choice(words)
            pos = rng.randrange(word.start() + 1, word.end() - 1)
            first, second = text[pos], text[pos + 1]
            mistyped = rng.choice([second + first, first, first + first + second])
            pieces[at] = (text[:pos] + mistyped + text[pos + 2 :], label)
    return pieces


def kind(side: str, template: str) -> str:
    """The category of a sentence: the first rule that it is drawn from, "admission" for `{admission} {nursing}`."""
    rule = template[1:].partition("}")[0]
    return rule if rule in KINDS[side] else REST[side]


def annotate(pieces: list[Piece], nlp: Language) -> Doc | None:
    """Make a Doc with the labelled pieces as entities, and as spans with what lies over two of them.

    RETURNS (Doc | None): nothing where an entity would not begin and end with a token.
    """
    doc = nlp.make_doc("".join(text for text, _ in pieces))
    spans, start = [], 0
    for text, label in pieces:
        if label:
            spans.append(doc.char_span(start, start + len(text), label))
        start += len(text)
    if None in spans:
        return None
    doc.set_ents(spans, default="outside")
    doc.spans["sc"] = list(doc.ents)
    for first, second in zip(doc.ents, doc.ents[1:]):
        if (first.label_, second.label_) == WITHIN and first.end == second.start:
            doc.spans["sc"].append(Span(doc, first.start, second.end, OVER))
    return doc


def mask(text: str) -> str:
    """What makes two sentences the same one: neither case, digits nor blanks tell them apart."""
    return re.sub(r"\d", "0", " ".join(text.lower().split()))


def generate(seed: int = SEED) -> dict[str, list[Doc]]:
    """Draw the whole corpus; no two of its sentences are equal under `mask`.

    seed (int): the only source of chance.
    RETURNS (dict[str, list[Doc]]): the annotated docs of each split; those of the pool as `pool_gold`.
    """
    nlp, grammar, rng = spacy.blank("en"), read_grammar(), random.Random(seed)
    categories = [name for side in KINDS for name in (*KINDS[side], REST[side])]
    seen: set[str] = set()
    docs: list[Doc] = []
    while len(docs) < sum(SIZES.values()):
        side = "clinical" if rng.random() < 0.53 else "contract"
        template = rng.choices(*grammar[side])[0]
        doc = annotate(disturb(join(expand(template, grammar, rng)), rng), nlp)
        if doc is not None and mask(doc.text) not in seen:
            seen.add(mask(doc.text))
            doc.cats = {name: float(name == kind(side, template)) for name in categories}
            docs.append(doc)
    splits = {}
    for name, size in SIZES.items():
        splits["pool_gold" if name == "pool" else name] = docs[:size]
        docs = docs[size:]
    return splits


def bare(doc: Doc) -> Doc:
    """The tokens alone: nothing of the gold can reach the pool."""
    return Doc(doc.vocab, [token.text for token in doc], [bool(token.whitespace_) for token in doc])


def topics(docs: list[Doc]) -> list[Doc]:
    """The same texts with categories that are not exclusive: which labels occur among the entities."""
    labels = sorted({ent.label_ for doc in docs for ent in doc.ents})
    found = [bare(doc) for doc in docs]
    for doc, gold in zip(found, docs):
        occur = {ent.label_ for ent in gold.ents}
        doc.cats = {label: float(label in occur) for label in labels}
    return found


def write(folder: Path, splits: dict[str, list[Doc]]) -> None:
    """Write one .spacy file a split, in `topics` a second one, and the pool as bare tokens."""
    (folder / "topics").mkdir(exist_ok=True)
    for name, docs in splits.items():
        DocBin(attrs=["ENT_IOB", "ENT_TYPE"], docs=docs).to_disk(folder / f"{name}.spacy")
        DocBin(attrs=[], docs=topics(docs)).to_disk(folder / "topics" / f"{name}.spacy")
    DocBin(attrs=[], docs=[bare(doc) for doc in splits["pool_gold"]]).to_disk(folder / "pool.spacy")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the corpus anew.")
    parser.add_argument("--output", type=Path, default=HERE, help="folder for the .spacy files")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, another corpus")
    args = parser.parse_args()
    write(args.output, generate(args.seed))
