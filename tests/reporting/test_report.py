"""The report: nothing from outside becomes markup, nothing is said that the facts do not hold, what is missing is left out."""

import copy
import json
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_al.errors import AlError
from spacy_al.reporting import report, words
from spacy_al.reporting.bars import MOST_BARS, balance_bars, time_bars
from spacy_al.reporting.charts import Level, Line, line_chart, tick_labels, ticks
from spacy_al.reporting.questions import COIN, MOST_CHARACTERS, greatest_doubt, show_question
from tests.helpers.report_facts import run_facts, simulation_facts

VOID = {"meta", "link", "br", "wbr", "img"}
TAGS = {
    *("html", "head", "meta", "link", "title", "style", "body", "header", "h1"),
    *("h2", "h3", "p", "dl", "div", "dt", "dd", "small", "nav"),
    *("a", "main", "section", "figure", "figcaption", "ul", "li", "span", "svg"),
    *("desc", "line", "text", "path", "bdi", "ol", "details", "summary", "table"),
    *("caption", "thead", "tbody", "tr", "th", "td", "mark", "code", "footer"),
    *("strong", "i", "wbr"),
}


class Page(HTMLParser):
    """Tags with their attributes, and the cells of tables; fails on tags that are not closed in order."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.cells, self.ids = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag in ("td", "th"):
            self.cells.append("")
        # svg shapes close themselves
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open) and "small" not in self.open:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def run():
    return run_facts()


@pytest.fixture(scope="module")
def simulation():
    return simulation_facts()


@pytest.fixture(params=["run", "simulation"])
def facts(request, run, simulation):
    return copy.deepcopy({"run": run, "simulation": simulation}[request.param])


def test_unknown_facts():
    with pytest.raises(AlError, match=r"AL165.*'tea'.*run, simulation"):
        report({"kind": "tea"})


# Hygiene


@pytest.mark.slow
def test_a_page_of_its_own(facts):
    page = report(facts)
    parsed = Page(page)
    assert page.startswith("<!DOCTYPE html>")
    assert {tag for tag, _ in parsed.tags} <= TAGS
    assert "://" not in page and "@import" not in page and "url(" not in page
    policy = next(a["content"] for _, a in parsed.tags if "http-equiv" in a)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    names = {name for _, attrs in parsed.tags for name in attrs}
    assert not {name for name in names if name.startswith("on")} and "src" not in names
    links = [attrs["href"] for tag, attrs in parsed.tags if tag == "a"]
    assert links and {link.removeprefix("#") for link in links} <= set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert ("html", {"lang": "en"}) in parsed.tags


@pytest.mark.slow
def test_tables_and_charts_speak(facts):
    parsed = Page(report(facts))
    counts = Counter(tag for tag, _ in parsed.tags)
    assert counts["table"] == counts["caption"] > 0
    assert all("scope" in attrs for tag, attrs in parsed.tags if tag == "th")
    assert all(
        set(attrs["aria-labelledby"].split()) <= set(parsed.ids)
        for tag, attrs in parsed.tags
        if attrs.get("role") == "img" and tag == "svg"
    )
    headings = [tag for tag, _ in parsed.tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == "h1" and headings.count("h1") == 1


HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\"' onload='x {{ 7*191 }}\0\ud800\u202e"
# What the page itself decides by
KEPT = {"kind", "kind_of_task", "score_name", "reported_on", "cost", "state", "costs"}


def poison(value, key=None):
    """The same with every text, and every name of a label, turned against the page."""
    if isinstance(value, dict):
        named = key in (
            "balance",
            "per_label",
            "merged",
            "rare",
            "rare_labels",
            "labels",
            "dropped",
        )
        named = named or key in ("made_with", "overrides")
        return {
            (k + HOSTILE if named else k): poison(v, None if named else k) for k, v in value.items()
        }
    if isinstance(value, list):
        return [poison(v, key) for v in value]
    if isinstance(value, str) and key not in KEPT and value != "random":
        return value if key == "answer" else value + HOSTILE
    return value


@pytest.mark.slow
def test_texts_and_labels_never_become_markup(facts):
    page = report(poison(facts))
    parsed = Page(page)
    assert {tag for tag, _ in parsed.tags} <= TAGS
    assert page.count("alert(1)") > 10 and "1337" not in page
    assert not {name for _, attrs in parsed.tags for name in attrs if name.startswith("on")}
    assert "\0" not in page
    page.encode("utf8")


@pytest.mark.slow
def test_the_same_bytes_in_every_process(facts, tmp_path):
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(facts), "utf8")
    code = "import json, sys; from spacy_al.reporting import report; sys.stdout.buffer.write(report(json.load(open(sys.argv[1], encoding='utf8'))).encode('utf8'))"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=True)
    assert done.stdout.decode("utf8").replace("\r\n", "\n") == report(facts)


# What is said


def leaves(value):
    if isinstance(value, dict):
        for k, v in value.items():
            yield k
            yield from leaves(v)
    elif isinstance(value, list):
        for v in value:
            yield from leaves(v)
    else:
        yield value


def test_every_number_in_a_table_is_in_the_facts(facts):
    known = [leaf for leaf in leaves(facts) if words.is_number(leaf)]
    forms = (
        words.count,
        words.format_score,
        words.signed,
        words.percent,
        words.p_value,
        words.duration,
    )
    allowed = {form(leaf).replace("< ", "") for leaf in known for form in forms}
    cells = [cell for cell in Page(report(facts)).cells if re.search(r"\d", cell)]
    assert len(cells) > 30
    for cell in cells:
        # a day is a time of the facts
        if re.match(r"9\d% of the full score|[a-z_]+\d|20\d\d-\d\d-\d\d$", cell):
            continue
        found = re.findall(r"[+−]?\d[\d,.]*(?:%| s\b| min| h\b)?", cell)
        assert found and set(found) <= allowed, (cell, set(found) - allowed)


def test_a_wrong_number_would_be_seen(run):
    page = report(run)
    shown = words.format_score(run["rounds"][-1]["score"])
    assert shown in page
    changed = copy.deepcopy(run)
    changed["rounds"][-1]["score"] += 0.1
    assert words.format_score(changed["rounds"][-1]["score"]) in report(changed)


SECTIONS = {
    "stopping": ["stopping"],
    "labels": ["per_label"],
    "sure": ["expected_errors", "expected_answers", "kappa", "span_f1", "calibration_error"],
    "balance": ["balance", "merged"],
    "groups": ["groups"],
    "risks": ["risks"],
    "time": ["seconds_train", "seconds_evaluate", "seconds_select", "seconds_answers"],
    "asked": ["batch"],
    "curve": ["score"],
    "made": ["config", "command", "component", "strategy", "labels", "made_with"],
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_without_data_is_left_out(run, section):
    facts = copy.deepcopy(run)
    assert section in Page(report(facts)).ids
    for key in SECTIONS[section]:
        facts.pop(key, None)
        for row in facts["rounds"]:
            row.pop(key, None)
    page = report(facts)
    assert section not in Page(page).ids and f'href="#{section}"' not in page


@pytest.mark.slow
def test_any_key_may_be_missing_or_none(facts):
    where = [facts, *facts.get("rounds", [])[-2:], *facts.get("strategies", [])[:1]]
    for place in where:
        for key in set(place) - {"kind", "round", "strategy"}:
            kept = place.pop(key)
            Page(report(facts))
            place[key] = None
            Page(report(facts))
            place[key] = kept


@pytest.mark.slow
@pytest.mark.parametrize("rounds, said", [(0, "Nothing has been trained yet."), (1, "of 0.")])
def test_the_beginning_of_a_run(rounds, said):
    page = report(run_facts(rounds))
    assert said in page
    assert "<svg" not in page


@pytest.mark.slow
def test_seventy_seven_labels():
    facts = run_facts(labels=[f"category_{i:02}" for i in range(77)])
    page = report(facts)
    assert "69 other labels" in page and "The other 65 labels" in page
    assert page.count("category_<wbr>76") >= 2


def test_texts_that_the_model_labelled_itself_are_told(run):
    facts = copy.deepcopy(run)
    assert "texts it labelled itself" not in report(facts)
    facts["rounds"][-1] |= {"self_trained": 1234, "self_trained_wrong_expected": 17.26}
    page = report(facts)
    assert "texts it labelled itself" in page and "1,234" in page
    assert "17.3 of them wrong, by its probabilities" in page


def test_headline_and_state(run):
    page = report(run)
    last = run["rounds"][-1]
    assert f"Entity F-score of {last['score']:.3f} on the test set with 350 labelled texts." in page
    assert "Round 4 waits for 12 of 50 answers." in page
    assert f"{last['score'] - 0.02:.3f}" not in page.split("</header>")[0]
    assert "random choice" in page and "forecast" in page and "target 0.700" in page


def verdict(facts, strategy):
    found = re.search(rf"<bdi>{strategy}</bdi></strong> (.*?)</li>", report(facts))
    return found[1]


@pytest.mark.parametrize(
    "low, high, said",
    [
        (0.01, 0.05, "is better than random choice"),
        (-0.05, -0.01, "is worse than random choice"),
        (-0.01, 0.05, "is not shown to be better than random choice"),
        (None, None, "is not proven better or worse"),
    ],
)
def test_a_result_is_said_plainly(simulation, low, high, said):
    facts = copy.deepcopy(simulation)
    row = next(row for row in facts["strategies"] if row["strategy"] == "token_entropy")
    row |= {"low": low, "high": high}
    assert verdict(facts, "token_entropy").startswith(said)


def test_headline_of_a_simulation(simulation):
    assert "mnlp learns more from the same number of words than random choice." in report(
        simulation
    )
    facts = copy.deepcopy(simulation)
    for row in facts["strategies"]:
        row["low"] = -1.0
    assert "No strategy is shown to be better than random choice." in report(facts)


def test_costs_that_were_not_counted_are_no_chart(simulation):
    facts = copy.deepcopy(simulation)
    assert "By modelled time" in report(facts)
    for row in facts["strategies"]:
        for point in row["by_cost"]["seconds"]["curve"]:
            point[0] = 0.0
    assert "By modelled time" not in report(facts)


# Charts


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(4, 7), st.booleans())
def test_ticks_hold_all_and_are_few(low, width, most, whole):
    found = ticks(low, low + width, most=most, whole=whole)
    slack = 1e-6 * max(1.0, abs(low), width)
    assert found[0] <= low + slack and found[-1] >= low + width - slack
    assert 2 <= len(found) <= most + 2
    assert found == sorted(set(found))
    if whole and abs(low) < 1e5:
        assert all(value == int(value) for value in found)


@pytest.mark.parametrize(
    "values, said",
    [
        ([0.0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([0, 10000, 20000], ["0", "10k", "20k"]),
        ([0, 500, 1000], ["0", "500", "1,000"]),
        ([-1.0, 0.0], ["−1", "0"]),
    ],
)
def test_numbers_on_an_axis(values, said):
    assert tick_labels(values) == said


def chart(lines, levels=(), **how):
    how = {"x_text": words.count, "y_text": words.format_score, **how}
    return line_chart(lines, levels, title="t", x_title="words", y_title="score", **how)


def test_lines_lie_where_their_numbers_are():
    line = Line("a", [(100, 0.5), (0, 0.0), (200, 1.0), (150, float("nan"))], colour=1)
    drawn = chart([line], [Level("target", 0.25)], small=True)
    assert drawn.lines[0]["path"] == "M0.0 1000.0L500.0 500.0L1000.0 0.0"
    assert drawn.levels == [{"name": "target", "at": 750.0}]
    assert drawn.x_ticks[-1] == (1000.0, "200") and drawn.y_ticks[-1] == (0.0, "1.00")
    assert drawn.lines[0]["dots"][1]["tip"] == "a: 0.500 at 100 words"
    assert drawn.about == "a: 0.000 at 0 words, to 1.000 at 200. target: 0.250."


def test_one_point_is_no_curve():
    assert chart([Line("a", [(100, 0.5)])]) is None
    assert chart([Line("a", [(100, 0.5), (None, 0.7)])]) is None
    assert chart([]) is None


def test_a_flat_curve_has_an_axis():
    drawn = chart([Line("a", [(1, 0.5), (2, 0.5)])])
    assert drawn.lines[0]["path"].count(" 500.0") == 2


def test_bars_of_labels():
    rounds = [
        {"round": 1, "balance": {"A": 4, "B": 3, "C": 0}},
        {"round": 2, "balance": {"A": 10, "B": 2, "C": 0}},
    ]
    bars = balance_bars(rounds)
    assert [(row["name"], row["total"]) for row in bars["rows"]] == [("A", 10), ("B", 2), ("C", 0)]
    assert [part["width"] for part in bars["rows"][0]["parts"]] == ["40.00", "60.00"]
    # taken away again by a correction
    assert [part["width"] for part in bars["rows"][1]["parts"]] == ["20.00"]
    assert bars["none"] == ["C"]
    many = balance_bars([{"round": 1, "balance": {f"L{i:02}": i for i in range(20)}}])
    assert len(many["rows"]) == MOST_BARS + 1
    assert many["rows"][-1]["total"] == sum(range(20 - MOST_BARS))


def test_bars_of_time():
    bars = time_bars([{"round": 0, "seconds_train": 30.0, "seconds_answers": 10.0}, {"round": 1}])
    assert [name for _, name in bars["kinds"]] == ["people's answers", "training"]
    assert [part["width"] for part in bars["rows"][0]["parts"]] == ["25.00", "75.00"]
    assert bars["rows"][0]["total"] == 40.0 and len(bars["rows"]) == 1
    assert time_bars([{"round": 0}]) is None


# Questions


def asked(text, spans=(), doubts=None, **more):
    found = text.split()
    doubts = doubts or [0.0] * len(found)
    tokens = [{"text": t, "ws": True, "u": u} for t, u in zip(found, doubts)]
    named = [dict(zip(("start", "end", "label", "score"), span)) for span in spans]
    return {"text": text, "tokens": tokens, "spans": named, **more}


def shown(one):
    return "".join(word["text"] for piece in one["pieces"] for word in piece["words"])


def test_suggestions_are_marked_and_doubts_shaded():
    one = show_question(asked("a b c d", [(1, 3, "X", 0.9)], [0.0, 0.3, 0.0, 0.6]))
    assert shown(one) == "a b c d "
    marked = [piece for piece in one["pieces"] if piece["mark"]]
    assert [shown({"pieces": [piece]}) for piece in marked] == ["b c"]
    shades = {w["text"]: w["shade"] for piece in one["pieces"] for w in piece["words"]}
    assert shades["a"] == 0 and 0 < shades["b"] < shades["d"]


def test_the_darkest_shade_is_the_greatest_doubt():
    batches = [[asked("a b", (), [0.1, 0.2])], [asked("c d", (), [None, 2.0])], []]
    assert greatest_doubt(batches) == 2.0
    assert greatest_doubt([]) == greatest_doubt(batches[:1]) == COIN
    one = show_question(asked("a b c", (), [0.0, 1.0, 2.0]), 2.0)
    assert [w["shade"] for w in one["pieces"][0]["words"] if w["text"] != " "] == [0, 3, 5]


def test_of_overlapping_suggestions_the_likeliest_is_marked():
    one = show_question(asked("a b c", [(0, 2, "X", 0.3), (1, 3, "Y", 0.8), (1, 2, "Z", 0.5)]))
    assert [piece["mark"]["label"] for piece in one["pieces"] if piece["mark"]] == ["Y"]
    assert [(chip["text"], chip["label"]) for chip in one["also"]] == [("b", "Z"), ("a b", "X")]
    assert shown(one) == "a b c "


def test_of_a_long_text_the_uncertain_part_is_shown():
    doubts = [0.0] * 2000
    doubts[1500] = 0.9
    one = show_question(asked(" ".join(f"w{i}" for i in range(2000)), (), doubts))
    assert "w1500 " in shown(one) and len(shown(one)) <= MOST_CHARACTERS
    assert one["before"] and one["after"]
    # a single word without an end
    assert len(shown(show_question(asked("x" * 10_000))).strip()) <= MOST_CHARACTERS


@pytest.mark.parametrize(
    "answer, verdict, changes",
    [
        (None, "not answered yet", []),
        ({"answer": "ignore"}, "left out by the annotator", []),
        ({"answer": "reject"}, "rejected", []),
        ({"answer": "accept", "spans": [(0, 1, "X")]}, "as suggested", []),
        ({"answer": "accept", "spans": []}, "nothing to mark", [("removed", "X")]),
        (
            {"answer": "accept", "spans": [(0, 1, "Y"), (1, 2, "X")]},
            "",
            [("added", "Y"), ("added", "X"), ("removed", "X")],
        ),
        ({"answer": "accept", "accept": ["A", "B"]}, "", [("kept", "A"), ("kept", "B")]),
    ],
)
def test_answers_are_told_beside_what_was_suggested(answer, verdict, changes):
    if answer and "spans" in answer:
        keys = ("start", "end", "label")
        answer = {**answer, "spans": [dict(zip(keys, span)) for span in answer["spans"]]}
    one = show_question(asked("a b c", [(0, 1, "X", 0.9)], answer=answer))
    assert one["verdict"] == verdict
    assert [(chip["change"], chip["label"]) for chip in one["chips"]] == changes


@pytest.mark.parametrize(
    "seconds, said",
    [(0, "0 s"), (1.23, "1.2 s"), (59.6, "60 s"), (120, "2 min"), (9000, "2.5 h"), (None, "–")],
)
def test_durations(seconds, said):
    assert words.duration(seconds) == said


def test_looks_at_recent_texts_are_shown_one_after_the_other(run):
    facts = copy.deepcopy(run)
    page = report(facts)
    part = page.partition('id="drift"')[2].partition("</section>")[0]
    cells = Page(f"<section {part}</section>").cells
    assert part.count("<svg role") == 2 and "9: 0.700" not in part
    # the latest look first: its number, day, texts, what is expected, the least p, what differs
    start = cells.index("9")
    assert (
        cells[start : start + 7]
        == [
            *("9", "2023-11-22", "1,992", "0.710", "0.508", "&lt; 0.001", "words a text"),
        ]
        or cells[start + 6] == "words a text"
    )
    # of a look of an older version it is known what differed
    start = cells.index("1")
    assert cells[start + 2 : start + 7] == ["2,000", "–", "–", "–", "nothing"]
    assert cells[-5 * (len(facts["labels"]) + 2) :][:5][-1] == "yes"
    facts["drift"] = facts["drift"][-1:]
    one = report(facts).partition('id="drift"')[2].partition("</section>")[0]
    assert "<svg" not in one and "0.508" in one and "The looks, the latest first" in one
    facts["drift"] *= 40
    assert "The last 30 of 40 looks" in report(facts)
    del facts["drift"]
    assert "drift" not in report(facts)
