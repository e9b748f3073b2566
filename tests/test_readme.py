"""The README is short, says what there is to do first, and what it says can be done."""

import re
from pathlib import Path

import spacy
from confection import Config

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf8")


def test_it_is_short():
    lines = README.splitlines()
    assert len(lines) <= 130
    assert [line for line in lines if len(line) > 160] == []


def test_two_commands_set_up_a_fresh_machine():
    section = README.split("## Two commands\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", section, flags=re.DOTALL)
    assert len(blocks) == 2
    assert all(len(block.splitlines()) == 1 for block in blocks)
    assert blocks[0].startswith("pip install . && ")
    assert "corpus/" in blocks[0]


def test_the_test_command_stands_between_its_markers():
    # .ci/run executes what stands there
    marked = re.findall(r"<!-- tests -->\n```bash\n(.*)\n```\n<!-- /tests -->", README)
    assert len(marked) == 1
    assert "pytest" in marked[0]


def test_there_is_a_picture_three_ways_in_and_three_numbers():
    assert len(re.findall(r"^!\[.+\]\(.+\)$", README, flags=re.MULTILINE)) == 1
    ways = README.split("## Three ways in\n")[1].split("\n## ")[0]
    assert len(re.findall(r"^\*\*You ", ways, flags=re.MULTILINE)) == 3
    numbers = README.split("## Three honest numbers\n")[1].split("\n## ")[0]
    items = re.split(r"^\d\. ", numbers, flags=re.MULTILINE)[1:]
    assert len(items) == 3
    for item in items:
        assert "*Limits:*" in item
        assert re.search(r"^ +`python .+`$", item, flags=re.MULTILINE), item


def test_its_numbers_are_measured():
    """Figures of the first hour and of the three numbers stand on the page of what was measured."""
    measured = (ROOT / "docs" / "measured.md").read_text("utf8")
    for heading in ("What the first hour costs", "Three honest numbers"):
        section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
        for figure in set(re.findall(r"(?<![\w.])[-+]?\d?\.\d{2,3}\b", section)):
            digits = figure.lstrip("+-").lstrip("0")
            # .61 is the .607 of a table, .70 its .704 and .699
            more = {".61": (".607",), ".70": (".704", ".699"), ".76": (".762",)}
            assert all(each in measured for each in more.get(digits, (digits,))), figure


def test_the_block_for_a_config_makes_a_component():
    [block] = re.findall(r"```ini\n(\[components.al_scorer\]\n.*?)```", README, flags=re.DOTALL)
    from tests.helpers.ner_oracle import make_ner

    nlp = make_ner(("DRUG",), updates=1)
    config = Config(nlp.config)
    config["nlp"]["pipeline"].append("al_scorer")
    added = Config().from_str("[components]\n" + block)
    config["components"]["al_scorer"] = added["components"]["al_scorer"]
    made = spacy.util.load_model_from_config(config)
    assert made.pipe_names[-1] == "al_scorer"
    assert made.get_pipe_meta("al_scorer").factory == "al_scorer"
