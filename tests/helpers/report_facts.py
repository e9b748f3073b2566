"""Facts for reports: numbers that are made up, on sentences of the corpus that ships."""

import json
from pathlib import Path

import numpy
import spacy
from spacy.tokens import DocBin

from spacy_al.measures.learning_curve import COSTS, compare, curves, mean_curve
from spacy_al.reporting.risks import risks

POOL = Path(__file__).parents[2] / "corpus" / "pool_gold.spacy"


def curve(words):
    """A learning curve."""
    return max(0.0, 0.8 - 0.9 * (words / 1000) ** -0.9)


def run_facts(rounds=5, labels=None, batch=6):
    """A run as `metrics.json` holds it, with `rounds` models."""
    rng = numpy.random.default_rng(0)
    docs = list(DocBin().from_disk(POOL).get_docs(spacy.blank("en").vocab))
    labels = labels or sorted({ent.label_ for doc in docs for ent in doc.ents})
    rows, balance = [], dict.fromkeys(labels, 0)
    for k in range(rounds):
        texts, words = 150 + 50 * k, 2345 + 1111 * k
        score = curve(words) + float(rng.normal(0, 0.004))
        for i, label in enumerate(labels if k else ()):
            balance[label] += 37 // (i + 1) + k
        row = {
            "round": k,
            "texts": texts,
            "words": words,
            "score": score,
            "dev_score": score + 0.0123,
            "balance": dict(balance),
            "merged": {"accepted": 44 * k, "ignored": 3 * k, "texts": 43 * k, "left over": k},
            "expected_errors": 2345.6 / (k + 1),
            "expected_answers": 7890.1,
            "n_pool": 3000,
            "calibration_error": {"before": 0.21 - 0.02 * k, "after": 0.031},
            "seconds_train": 21.3 + 12.7 * k,
            "seconds_evaluate": 3.21,
            "per_label": {
                label: dict(zip("prf", rng.uniform(0.2, 0.9, 3).tolist())) for label in labels
            },
            "batch": [],
        }
        if k:
            row |= {"kappa": 0.61 + 0.04 * k, "span_f1": 0.52 + 0.05 * k}
        if k < rounds - 1:
            own = docs[k * batch : (k + 1) * batch]
            row |= {"answers": 47, "seconds_select": 1.23, "seconds_answers": 1357.0 - 11 * k}
            row["batch"] = [_asked(doc, i, rng) for i, doc in enumerate(own)]
        rows.append(row)
    last = rows[-1]["words"] if rows else 0
    costs = numpy.linspace(last / 50, 2 * last, 50).tolist() if rounds > 3 else []
    forecast = {
        "cost": "words",
        "target": 0.7,
        "cost_to_target": 11489.6,
        "cost_band": [9876.5, None],
        "curve": [[x, curve(x), curve(x) - x / 2e5, curve(x) + x / 3e5] for x in costs],
    }
    points = [
        {
            "words": row["words"] + 50,
            "texts": row["texts"],
            "score": row["score"] - 0.02,
            "low": row["score"] - 0.04,
            "high": row["score"] + 0.01,
        }
        for row in rows
    ]
    facts = {
        "kind": "run",
        "title": "ner",
        "component": "ner",
        "kind_of_task": "entities",
        "strategy": "token_entropy (max), top_k",
        "labels": labels,
        "config": "configs/ner.cfg",
        "command": "python -m spacy_al run configs/ner.cfg --oracle corpus/pool_gold.spacy",
        "made_with": {"Python": "3.11.4", "spacy": "3.8.18"},
        "state": {"state": "wait", "sentence": "Round 4 waits for 12 of 50 answers."},
        "stopping": ["Goes on: 4 of at most 5 batches have been answered (max_rounds)."],
        "score_name": "ents_f",
        "reported_on": "test",
        "baseline": {"name": "random", "seeds": 3, "points": points} if rows else None,
        "full": {"score": 0.781, "words": 31416, "texts": 1500},
        "rounds": rows,
        "forecast": forecast if costs else None,
        **(beside_the_pool(labels) if rows else {}),
        "drift": drift_looks(labels) if rounds > 1 else [],
    }
    return json.loads(json.dumps(facts))


def group_row(name, pool, asked, score=0.7, **changed):
    """A group of texts, as `measure_groups` has it."""
    row = {
        "name": name,
        "pool": pool,
        "asked": asked,
        "share": asked / pool,
        "less": 1.0,
        "texts": 41,
        "told": 33,
        "score": score,
        "interval": (score - 0.1, score + 0.09),
        "rest": 0.71,
        "p": 0.8,
        "differs": False,
        "answers": 120,
        "calibration_error": 0.043,
    }
    return {**row, **changed}


def beside_the_pool(labels, names=("north", "south", "east")):
    """Groups, labels and risks of a run."""
    small = {"texts": 6, "told": 5, "p": None, "answers": 7, "calibration_error": None}
    groups = {
        "field": "ward",
        "fewest": 20,
        "others": 0,
        "rows": [
            group_row(names[0], 2345, 210),
            group_row(names[1], 512, 3, 0.313, p=0.0042, differs=True, less=0.001),
            group_row(names[2], 60, 4, **small),
        ],
    }
    rows = [
        {
            "label": label,
            "labelled": 0 if k == 0 else 40,
            "share": 0.0 if k == 0 else 0.25,
            "expected": 61.0,
            "pool_share": 0.2,
            "is_missing": k == 0,
            "is_short": k == 0,
        }
        for k, label in enumerate(labels)
    ]
    dev = {"score": 0.61, "score_name": "ents_f", "texts": 80, "interval": (0.5, 0.72)}
    known = {"config": "configs/ner.cfg", "dev": dev, "own_dev": True, "labels": rows}
    known |= {"field": "ward", "groups": groups, "calibration": {"before": 0.2, "after": 0.031}}
    return {"groups": groups, "labels_in_pool": rows, "risks": risks(known)}


def drift_looks(labels):
    """Looks at recent texts of nine nights."""
    found = [drift_look(k, labels) for k in range(9)]
    # as an older version kept it
    found[0] = {key: found[0][key] for key in ("model", "texts", "alarms", "at")}
    return found


def drift_look(k, labels):
    """A look at recent texts, as `DriftLook`; texts get longer from the seventh night on."""
    longer = 9.5 * max(0, k - 6)
    compared = [{"name": "words a text", "before": 20.4, "now": 20.1 + longer, "p": 1 / 9**longer}]
    compared += [
        {"name": f"texts with {label}", "before": 0.2, "now": 0.2 + i / 99, "p": 0.9}
        for i, label in enumerate(labels)
    ]
    compared.append({"name": "what texts are about", "before": None, "now": None, "p": 0.42})
    return {
        "model": "run/round-004/model-best",
        "texts": 2000 - k,
        "alarms": [one["name"] for one in compared if one["p"] < 0.01],
        "at": 1.7e9 + 86400.0 * k,
        "compared": compared,
        "expected_before": 0.71,
        "expected_now": 0.7 - longer / 99,
    }


def _asked(doc, i, rng):
    doubts = numpy.maximum(0, rng.normal(0, 0.3, len(doc))).round(4).tolist()
    spans = [
        {"start": ent.start, "end": ent.end, "label": ent.label_, "score": 0.5 + 0.1 * k}
        for k, ent in enumerate(doc.ents[:4])
    ]
    answers = [
        {"answer": "accept", "spans": spans},
        {"answer": "accept", "spans": spans[1:]},
        {"answer": "ignore", "spans": []},
        {"answer": "reject", "spans": []},
        None,
    ]
    return {
        "text": doc.text,
        "tokens": [
            {"text": token.text, "ws": bool(token.whitespace_), "u": doubt}
            for token, doubt in zip(doc, doubts)
        ],
        "spans": spans,
        "options": [],
        "answer": answers[i % len(answers)],
        "score": max(doubts),
        "why": f"“{doc[0].text}” DRUG 0.51, O 0.44",
        "rank": i + 1,
    }


def simulation_facts(names=("mnlp", "token_entropy", "random"), seeds=3):
    """A simulation as its summary has it; the first strategy is better than random, the others are not."""
    rng = numpy.random.default_rng(1)
    rows = [
        {
            "strategy": name,
            "seed": seed,
            "round": k,
            "words": 3300 * (k + 1),
            "texts": 150 * (k + 1),
            "entities": 180 * (k + 1),
            "seconds": 4620.0 * (k + 1),
            "score": 0.8 - 0.5 / (k + 1) + 0.04 * (name == names[0]) + float(rng.normal(0, 0.004)),
        }
        for name in names
        for seed in range(seeds)
        for k in range(5)
    ]
    full = {"score": 0.77, "words": 99000, "texts": 4500, "entities": 5400, "seconds": 138600.0}
    table = {cost: {row["strategy"]: row for row in compare(rows, cost, full)} for cost in COSTS}
    drawn = {cost: curves(rows, cost) for cost in COSTS}
    strategies = [
        {
            **row,
            "by_cost": {
                cost: {**table[cost][name], "curve": mean_curve(drawn[cost][name])}
                for cost in COSTS
            },
            "rare": {"GOVERNING_LAW": {"found": 11.5, "per_100_texts": 1.9}},
            "seconds_per_round": {"train": 31.4, "evaluate": 2.72, "select": 1.62},
        }
        for name, row in table["words"].items()
    ]
    facts = {
        "kind": "simulation",
        "title": "three strategies",
        "command": "python -m spacy_al simulate configs/ner.cfg --gold corpus/pool_gold.spacy",
        "plan": {
            "config": "configs/ner.cfg",
            "component": "ner",
            "start": 150,
            "batch": 150,
            "rounds": 4,
            "seeds": [0, 1, 2],
            "overrides": {"training.eval_frequency": 200},
        },
        "made_with": {"Python": "3.11.4"},
        "corpus": {
            "texts": 4500,
            "words": 99000,
            "labels": {"DRUG": 812, "GOVERNING_LAW": 23},
            "dropped": {"duplicate": 7},
        },
        "score_name": "ents_f",
        "costs": list(COSTS),
        "full": full,
        "rare_labels": {"GOVERNING_LAW": 23},
        "notes": ["3 seeds are few."],
        "strategies": strategies,
    }
    return json.loads(json.dumps(facts))
