"""What is to be said of people who have answered the same texts: who tells nothing, who is worse at a label, what was overruled."""

from collections.abc import Callable, Sequence

from spacy_al.loop.status import SettledTexts
from spacy_al.store.reliability import People, Skill, Supposed


def people_sentences(people: People, shown: Callable[[str], str] = str) -> list[str]:
    """A sentence on each spammer and each label at which somebody is worse than all others, on agreement, and on the model in their place.

    shown (Callable): Makes a name from outside fit for where it is shown.
    """
    skills = people["skills"]
    lines = [line for one in skills for line in _advice(one, skills, shown)]
    for name, own in people["gold"].items():
        low, high = own["between"]
        lines.append(
            f"ℹ {shown(name)}: {own['right']:,} of {own['asked']:,} gold questions right ({low:.0%} to {high:.0%})."
        )
    if alpha := people["alpha"]:
        lines.append(
            f"ℹ Agreement of all: Krippendorff's alpha {alpha['value']:.3f} ({_between(alpha)})."
        )
    if test := people["replacement"]:
        could = "could" if test["is_passed"] else "could not"
        lines.append(
            f"ℹ The models that asked {could} take the place of one of the annotators: no worse than {test['rate']:.0%} of "
            f"{len(test['annotators'])} people, and as near to the others as a person or nearer on {test['advantage']:.0%} of the texts "
            "(alternative annotator test)."
        )
    return lines


def consensus_sentence(settled: SettledTexts, shown: Callable[[str], str] = str) -> str:
    """What the consensus has settled, whom it overruled, and what it left. shown: As of `people_sentences`."""
    who = ", ".join(f"{shown(name)} {count:,}" for name, count in settled["overruled"].items())
    whose = (
        f" It overruled answers of: {who} (`answers CONFIG --disagreement` shows them)."
        if who
        else ""
    )
    return (
        f"ℹ The consensus ({settled['method']}) settled {settled['texts']:,} texts on which answers contradict each other, and left "
        f"{settled['left']:,} to a review.{whose}"
    )


def _advice(one: Skill, all: Sequence[Skill], shown: Callable[[str], str]) -> list[str]:
    name = shown(one["name"])
    if one["is_spammer"]:
        score = one["score"]
        return [
            f"⚠ The answers of {name} tell next to nothing ({score['value']:.3f} of 1, at most {score['high']:.3f}): look at some (`answers CONFIG "
            f"--annotator {name}`), talk about the guidelines, or ask {name} no more. With a consensus they hardly count."
        ]
    lines = []
    for label, skill in one["labels"].items():
        others = [
            other["labels"][label]["right"]["low"]
            for other in all
            if other is not one and label in other["labels"] and not other["is_spammer"]
        ]
        own = skill["right"]
        if others and own["high"] < min(others):
            lines.append(
                f"ℹ {name} is right about {shown(label)} less often than all others: {own['value']:.3f} ({_between(own)})."
            )
    return lines


def _between(found: Supposed) -> str:
    return f"{found['low']:.3f} to {found['high']:.3f}"
