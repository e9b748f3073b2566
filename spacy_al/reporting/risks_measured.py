"""Risks of what a run measures: of scores, labels, groups and probabilities."""

from spacy_al.reporting.balance import quotas_advice
from spacy_al.reporting.estimates import with_interval
from spacy_al.reporting.groups import group_name, less_asked, needed_texts
from spacy_al.reporting.risk import Risk, RiskFacts, make_risk, unknown_risk
from spacy_al.reporting.words import (
    count,
    format_interval,
    format_score,
    is_number,
    listing,
    percent,
    plural,
    signed,
)

# Of an interval, above which a score is little to go by
WIDTH = 0.2
# Of a calibration error
ERROR = 0.1
# Scores that count all answers alike, as an estimate of the pool does
ALIKE = ("ents_f", "tag_acc", "pos_acc")


def risk_of_chosen(facts: RiskFacts) -> Risk:
    """Scores that are those of chosen texts, or of a file that is not like the pool."""
    name = "scores on chosen texts"
    own, pool, dev = facts.get("own_dev", False), facts.get("pool"), facts.get("pool_dev")
    remedy = (
        "The texts that measure are drawn from the pool at random and never train."
        if own
        else "Scores are those of paths.dev, which nothing in the run chooses or trains on."
    )
    bound = "The interval of the score on dev meets that of the score in the pool."
    score = pool.get("score") if pool and not pool.get("refused") else None
    if score is not None:
        figure = f"In the pool, from what was asked: {with_interval(score)}."
        if is_number(pool and pool.get("naive")):
            assert pool is not None
            figure += f" On the chosen texts alone it would be {format_score(pool['naive'])}."
        there = dev.get("interval") if dev and dev.get("score_name") in ALIKE else None
        low, high = score["low"], score["high"]
        if own:
            advice = "Tell the score on the texts that measure, or that in the pool, never that on the chosen ones."
            return make_risk(name, "fine", figure, bound, remedy, advice)
        if dev and there and low is not None and high is not None:
            figure += f" On dev, of the same model: {format_score(dev['score'])} ({format_interval(there)})."
            if there[0] > high or there[1] < low:
                advice = "Dev is not like the pool: label texts of the pool at random to measure on, by leaving paths.dev out."
                return make_risk(name, "alarm", figure, bound, remedy, advice)
            advice = "Tell the score in the pool, with its interval."
            return make_risk(name, "fine", figure, bound, remedy, advice)
        takes = "Whether dev is like the pool takes intervals of two scores that count alike: of entities or of tags."
        return unknown_risk(name, bound, remedy, takes, figure)
    if own:
        return make_risk(
            name,
            "fine",
            "Scores are of random texts, not of chosen ones.",
            bound,
            remedy,
            "Never score a model on the answers that taught it.",
        )
    return unknown_risk(
        name,
        bound,
        remedy,
        "Whether paths.dev is like the pool takes a sampler that draws with a share of uniform draws, e.g. --al.sampler.explore 0.3.",
    )


def risk_of_few(facts: RiskFacts) -> Risk:
    """Too few texts that measure: the interval of the score."""
    name, dev = "too few texts that measure", facts.get("dev")
    bound = f"The interval of the score is at most {WIDTH} wide."
    remedy = "Each score stands beside its interval."
    own = facts.get("own_dev", False)
    more = "Raise dev_size" if own else "Put more labelled texts into paths.dev"
    if not dev or not is_number(dev.get("score")):
        return unknown_risk(name, bound, remedy, "It takes a first model that was measured.")
    on = f"{format_score(dev['score'])} on {plural(dev['texts'], 'text')}"
    interval = dev.get("interval")
    if not interval:
        return unknown_risk(
            name,
            bound,
            remedy,
            "This score has no interval, as it is a mean that texts do not add up to: compare several rounds.",
            f"{on}.",
        )
    width = interval[1] - interval[0]
    figure = f"{on}, probably {format_interval(interval)}: {width:.2f} wide."
    if width <= WIDTH:
        return make_risk(name, "fine", figure, bound, remedy, "It is enough to go by.")
    # an interval is as wide as one over the root of what it was measured on
    needed = dev["texts"] * (width / WIDTH) ** 2
    advice = f"{more}: it takes about {needed:,.0f} texts."
    return make_risk(name, "alarm", figure, bound, remedy, advice)


def risk_of_labels(facts: RiskFacts) -> Risk:
    """Labels that were given less than they are in the pool, or never."""
    name, rows = "labels out of balance", facts.get("labels") or []
    has_quotas = facts.get("has_quotas", False)
    bound = "No label that the pool holds five times or oftener was never given, or surely less than half as frequently as it is there."
    remedy = (
        "The sampler keeps a share of each batch for rare labels."
        if has_quotas
        else "None: texts are chosen by score, whatever their labels."
    )
    if not rows:
        return unknown_risk(
            name, bound, remedy, "It takes a model that says what it expects in the pool."
        )
    missing = [row for row in rows if row["is_missing"]]
    short = [row for row in rows if row["is_short"]]
    if not short:
        least = rows[0]
        figure = f"The shortest is {least['label']}: {percent(least['share'])} of what was labelled, about {percent(least['pool_share'])} in the pool."
        return make_risk(name, "fine", figure, bound, remedy, "Nothing is to be done.")
    told = [
        f"{row['label']} (the model expects {count(round(row['expected']))})" for row in missing
    ]
    parts = [f"Never given: {listing(told)}."] if missing else []
    rest = [
        f"{row['label']} ({percent(row['share'])} of what was labelled, {percent(row['pool_share'])} in the pool)"
        for row in short
        if not row["is_missing"]
    ]
    parts += [f"Short: {listing(rest)}."] if rest else []
    return make_risk(name, "alarm", " ".join(parts), bound, remedy, quotas_advice(has_quotas))


def risk_of_groups(facts: RiskFacts) -> Risk:
    """Groups of texts whose score differs."""
    name, found, field = "groups served unequally", facts.get("groups"), facts.get("field")
    bound = "No score of a group differs from that of all others with p < 0.05, all groups counted (Holm)."
    strata = facts.get("strata")
    if strata:
        remedy = f"The texts that measure are spread over {strata} as the pool is."
    elif facts.get("own_dev"):
        remedy = "None: dev_strata would spread the texts that measure over groups."
    else:
        remedy = "None: how many texts of each group measure is settled by paths.dev."
    if not found:
        advice = (
            f"No text that measures has {field} in its meta yet: records need the field when they are ingested."
            if field
            else 'It takes a field of the texts\' meta: groups = "FIELD" in [al].'
        )
        return unknown_risk(name, bound, remedy, advice)
    rows = found["rows"]
    apart = [row for row in rows if row["differs"]]
    tested = [row for row in rows if row["p"] is not None]
    if not tested:
        needed = needed_texts(found)
        about = f"; at random it takes about {needed:,} texts for the smallest" if needed else ""
        return unknown_risk(
            name,
            bound,
            remedy,
            f"A group needs {found['fewest']} texts with an answer among those that measure{about}.",
            f"By {found['field']} no group is large enough for any claim.",
        )
    small = len(rows) - len(tested)
    left = f" Of {plural(small, 'group')} nothing is claimed: too few texts." if small else ""
    if not apart:
        figure = f"By {found['field']} none of {plural(len(tested), 'group')} differs.{left}"
        return make_risk(
            name,
            "fine",
            figure,
            bound,
            remedy,
            "That none differs does not say that all are alike: few texts hide much.",
        )
    told = [
        f"{group_name(row)} {format_score(row['score'])} ({format_interval(row['interval'])}; all others {format_score(row['rest'])})"
        for row in apart
    ]
    figure = f"By {found['field']}: {listing(told)}.{left}"
    worse = {group_name(row) for row in apart if (row["score"] or 0) < (row["rest"] or 0)}
    asked_less = worse & {group_name(row) for row in less_asked(found)}
    advice = (
        f"Ask more of {listing(sorted(asked_less))}, where less was asked than at random."
        if asked_less
        else "Label more where the score is low, by quotas for the labels there or from a pool of such texts, and look whether the difference goes."
    )
    return make_risk(name, "alarm", figure, bound, remedy, advice)


def risk_of_calibration(facts: RiskFacts) -> Risk:
    """Probabilities that are not what comes true."""
    name, found, pool = (
        "probabilities that do not hold",
        facts.get("calibration"),
        facts.get("pool"),
    )
    bound = f"A calibration error of at most {ERROR}, and no interval of it in the pool beside 0."
    remedy = "Each round's temperature is fitted on the texts that measure."
    after = None
    if found:
        after = found["after"] if found["after"] is not None else found["before"]
    off = pool.get("overconfidence") if pool and not pool.get("refused") else None
    if after is None and off is None:
        return unknown_risk(
            name, bound, remedy, "It takes texts that measure in which something is annotated."
        )
    parts, is_off = [], False
    if after is not None:
        parts.append(
            f"Error {format_score(after)}, on the texts that the temperature was fitted on."
        )
        is_off = after > ERROR
    if off is not None:
        # told as a number above 0, so that no sentence says "too sure by less than nothing"
        sign, how = (1, "too sure") if off["value"] >= 0 else (-1, "not sure enough")
        ends = ""
        if off["low"] is not None and off["high"] is not None:
            low, high = sorted((sign * off["low"], sign * off["high"]))
            ends = f" (95%: {signed(low)} to {signed(high)})"
            is_off = is_off or low > 0 or high < 0
        parts.append(f"In the pool it is {how} by {abs(off['value']):.3f}{ends}.")
    advice = (
        "Do not take its probabilities at their word, for thresholds, acceptance or drift, before more texts measure."
        if is_off
        else "Look again after each change of data or model."
    )
    return make_risk(name, "alarm" if is_off else "fine", " ".join(parts), bound, remedy, advice)
