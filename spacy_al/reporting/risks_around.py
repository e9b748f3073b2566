"""Risks from around a run: texts that change, people, teachers, and what a batch tells."""

from collections.abc import Mapping
from typing import Any

from spacy_al.reporting.risk import Risk, RiskFacts, make_risk, unknown_risk
from spacy_al.reporting.words import (
    count,
    format_interval,
    format_score,
    is_number,
    listing,
    percent,
    plural,
)

# Agreement of two people, below which the rules are unclear
AGREE = 0.6
# Texts that both answered, below which their agreement says little
BOTH = 20


def risk_of_drift(facts: RiskFacts) -> Risk:
    """Recent texts that differ from those that measure."""
    name, look = "texts that change", facts.get("drift")
    bound = (
        "No comparison of recent texts with those that measure has p < 0.01, all counted (Holm)."
    )
    if not look:
        command = f"python -m spacy_al status {facts.get('config', 'CONFIG')} --check"
        return unknown_risk(
            name, bound, "None: nobody has looked.", f"It takes a look at recent texts: {command}"
        )
    on = f"of {plural(look['texts'], 'recent text')}"
    if look["alarms"]:
        figure = f"Differs, {on}: {listing(look['alarms'])}."
        return make_risk(
            name,
            "alarm",
            figure,
            bound,
            "status --check looks.",
            "Label some of the recent texts and train anew.",
        )
    return make_risk(
        name,
        "fine",
        f"Nothing differs, {on}.",
        bound,
        "status --check looks.",
        "Look again each night, with cron or a scheduler.",
    )


def risk_of_people(facts: RiskFacts) -> Risk:
    """Annotators who contradict each other."""
    name, overlap = "people who disagree", facts.get("overlap", 1)
    bound = f"Any two who both answered {BOTH} texts have an F of spans, or a kappa, of {AGREE} or more."
    remedy = (
        f"Each text is asked of {overlap}, blind to each other; contradictions wait for a review."
        if overlap > 1
        else "Contradictions wait for a review."
    )
    known = [
        (value, pair)
        for pair in facts.get("pairs") or ()
        if is_number(value := _agreement(pair)) and pair.get("tasks", 0) >= BOTH
    ]
    if not known:
        return unknown_risk(
            name,
            bound,
            remedy,
            f"It takes two people and {BOTH} texts that both answer: overlap = 2 in [al].",
        )
    value, pair = min(known, key=lambda one: one[0])
    who = " and ".join(pair.get("pair") or pair.get("names") or ())
    figure = f"Least: {who}, {format_score(value)} over {plural(pair['tasks'], 'text')}."
    if value < AGREE:
        advice = "Look at the texts that they answer differently, and write down the rule."
        return make_risk(name, "alarm", figure, bound, remedy, advice)
    return make_risk(
        name, "fine", figure, bound, remedy, "No model can be expected to be better than this."
    )


def _agreement(pair: Mapping[str, Any]) -> float | None:
    for key in ("span_f1", "kappa", "verdicts"):
        if is_number(value := pair.get(key)):
            return value
    return None


def risk_of_teacher(facts: RiskFacts) -> Risk:
    """What a teacher has wrong."""
    name, found, most = "a teacher's errors", facts.get("teacher"), facts.get("max_error")
    allowed = percent(most) if is_number(most) else "the share in max_error"
    bound = f"Of what it says and the model repeats at most {allowed} may be wrong, by the upper end of the interval."
    if not found:
        return make_risk(
            name,
            "fine",
            "No teacher labels in this run.",
            bound,
            "None is needed.",
            "Nothing is to be done.",
        )
    if not found.get("answered"):
        remedy = "It suggests; what it says is accepted only where audits allow it."
        return unknown_risk(
            name,
            bound,
            remedy,
            "It takes audits that people answered: accept and audit_share in [al.teacher].",
        )
    interval = found.get("interval")
    ends = f" (probably {format_interval(interval)})" if interval else ""
    figure = f"{count(found['wrong'])} of {count(found['answered'])} audited texts are wrong{ends}."
    state = "on" if found.get("on") else "off"
    remedy = f"A share of what would be accepted is audited; accepting is {state}."
    is_bad = is_number(most) and interval is not None and interval[1] > most
    advice = (
        "Answer more audits, or leave its labels as suggestions."
        if is_bad
        else "Keep the audits on."
    )
    return make_risk(name, "alarm" if is_bad else "fine", figure, bound, remedy, advice)


def risk_of_privacy(facts: RiskFacts) -> Risk:
    """What the choice of texts tells about one of them."""
    name, found = "what a batch tells about a text", facts.get("privacy")
    bound = "The privacy budget of the run is not spent."
    if not found or not found.get("budget"):
        return unknown_risk(
            name,
            bound,
            "None: a batch shows which texts the model is unsure of. --mask and --without-texts keep texts out of a report.",
            "What a batch tells is bounded only by the sampler spacy-al.private.v1.",
        )
    figure = f"{found['spent']:g} of {found['budget']:g} is spent, in {plural(found['rounds'], 'round')}."
    remedy = f"The sampler is private: {found['epsilon']:g} a batch."
    is_spent = found["spent"] + found["epsilon"] > found["budget"] + 1e-9
    advice = (
        "No further batch can be private: end the run, or answer for a larger budget."
        if is_spent
        else "What is in the folder of the run is another matter: keep it to those who may read the texts."
    )
    return make_risk(name, "alarm" if is_spent else "fine", figure, bound, remedy, advice)
