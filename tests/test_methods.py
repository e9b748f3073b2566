"""Who is named in the code as the source of a formula has a work in the bibliography, and each work there is used by something."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "methods.md").read_text("utf8")
# The last name of one or two authors, and a year
CITED = re.compile(
    r"((?:Bickford |Van |Spärck )?[A-Z][\w'-]+)(?: (?:&|and) (?:Van )?[A-Z][\w'-]+| et al\.)?,? \(?((?:19|20)\d\d)\)?"
)
# Not people
OTHERS = {"Version", "January", "March", "April", "June", "July", "October", "November"}


def works():
    """First author and year of each entry."""
    listed = PAGE.partition("## Bibliography")[2]
    return {
        (line[2:].partition(",")[0].partition(" and ")[0].split(" et al")[0], year)
        for line in listed.splitlines()
        if line.startswith("- ") and (year := re.search(r" ((?:19|20)\d\d)\. ", line)[1])
    }


def named(work):
    author, year = work
    return re.sub(rf" {year}.*", "", author), year


def cited(text):
    return {found for found in CITED.findall(text) if found[0] not in OTHERS}


def test_what_the_code_cites_is_listed():
    known = {(name.split()[-1], year) for name, year in map(named, works())}
    # the first of two or three may stand before the one that the pattern finds
    everybody = {
        (name, year)
        for line in PAGE.partition("## Bibliography")[2].splitlines()
        if (found := re.match(r"- (.*?) ((?:19|20)\d\d)\. ", line))
        for name in re.findall(r"[A-ZÄÖÜ][\w'-]+", found[1])
        for year in (found[2],)
    }
    lacking = {
        f"{path.relative_to(ROOT)}: {author} {year}"
        for path in (ROOT / "spacy_al").rglob("*.py")
        for author, year in cited(re.sub(r"\n\s*#? ?", " ", path.read_text("utf8")))
        if (author.split()[-1], year) not in known | everybody
    }
    assert not lacking, sorted(lacking)


def test_the_table_and_the_list_name_the_same():
    table = PAGE.partition("## Bibliography")[0]
    for author, year in map(named, works()):
        assert re.search(rf"{author.split()[-1]}[^;|]*? {year}", table), (author, year)
