"""Where a query has texts, names and comments is seen as each database sees it, whatever stands in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from databases import Source
from dayfill.errors import Permanent
from dayfill.sources.sql import lexicon
from dayfill.sources.sql.lexicon import Lexicon

DAY = date(2024, 1, 1)
Form = Callable[[str], str]
PIECES = (
    "'",
    '"',
    "\\",
    "`",
    ":start",
    ":end",
    "$",
    "$$",
    "/*",
    "*/",
    "--",
    "-- ",
    "#",
    ";",
    "\n",
    "a",
    " ",
    "E'",
    "[",
    "]",
    "::",
)
TEXTS = some.lists(some.sampled_from(PIECES), max_size=8).map("".join)


def plain(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def escaped(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def doubled(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def dollars(text: str) -> str:
    return f"$q${text}$q$"


def in_parts(text: str) -> str:
    return "E" + escaped(text[:3]) + " -- it's\n -- more ':\n" + escaped(text[3:])


FORMS: dict[str, tuple[Form, ...]] = {
    "postgresql": (
        plain,
        lambda text: "e" + escaped(text),
        dollars,
        in_parts,
        lambda text: "U&" + plain(text.replace("\\", "\\\\")),
    ),
    "duckdb": (plain, lambda text: "E" + escaped(text), dollars),
    "sqlite": (plain,),
    "mysql": (escaped, doubled, lambda text: plain(text.replace("\\", "\\\\"))),
}
NAMES = {"postgresql": ('"',), "duckdb": ('"',), "sqlite": ('"', "`"), "mysql": ("`",)}
COMMENTS: dict[str, tuple[Form, ...]] = {
    "postgresql": (lambda text: f"--{text}\r", lambda text: f"/* ' /* {text} */ */"),
    "duckdb": (lambda text: f"--{text}\n", lambda text: f"/* ' /* {text} */ */"),
    "sqlite": (lambda text: f"--\r{text}\n", lambda text: f"/* /* {text} */"),
    "mysql": (lambda text: f"#{text}\n", lambda text: f"--\t{text}\n", lambda text: f"/* /* {text} */"),
}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=some.lists(TEXTS, min_size=1, max_size=12))
def test_each_database_reads_what_stands_in_a_text_and_nothing_else(source: Source, texts: list[str]) -> None:
    kind, made, wanted = source.kind, [], []
    for number, text in enumerate(texts):
        for form in FORMS[kind]:
            if form is not dollars or "$q" not in text:
                made.append(form(text))
                wanted.append(text)
        comment = COMMENTS[kind][number % len(COMMENTS[kind])]
        inside = text.replace("*/", "").replace("/*", "").replace("\n", " ")
        made.append(f"{comment(inside)} 'after'")
        wanted.append("after")
        for mark in NAMES[kind]:
            quoted = f"{mark}x{text.replace(mark, mark * 2)}x{mark}"
            made.append(f"(SELECT n.{quoted} FROM (SELECT 'named' AS {quoted}) AS n)")
            wanted.append("named")
    columns = ", ".join(f"{one} AS c{number}" for number, one in enumerate(made))
    types = {"day": "DATE", **{f"c{number}": "STRING" for number in range(len(made))}}
    rows = source.read([DAY], types, query=f"SELECT :start AS day, {columns} FROM visits WHERE id = 1 AND :end > day")
    assert [rows[f"c{number}"].to_pylist() for number in range(len(made))] == [[text] for text in wanted]


HOSTILE: tuple[tuple[Lexicon, str, str], ...] = (
    (lexicon.POSTGRESQL, r"E'\':a' :a '\' :a", r"E'\':a' <a> '\' <a>"),
    (lexicon.POSTGRESQL, r"nameE'\' :a", r"nameE'\' <a>"),
    (lexicon.POSTGRESQL, "E'x'\n'\\':a' :a", "E'x'\n'\\':a' <a>"),
    (lexicon.DUCKDB, "E'x'\n'\\' :a", "E'x'\n'\\' <a>"),
    (lexicon.POSTGRESQL, "a$b$ :a $b$ :a $b$ $1 :a $2", "a$b$ <a> $b$ :a $b$ $1 <a> $2"),
    (lexicon.POSTGRESQL, "$é$:a $$ $é$ :a", "$é$:a $$ $é$ <a>"),
    (lexicon.POSTGRESQL, "1 ` :a ` 2", "1 ` <a> ` 2"),
    (lexicon.POSTGRESQL, "/* /* */ :a */ :a -- :a\r:a", "/* /* */ :a */ <a> -- :a\r<a>"),
    (lexicon.SQLITE, "/* /* */ :a -- :a\r:a\n[':a] :a ':a'", "/* /* */ <a> -- :a\r:a\n[':a] <a> ':a'"),
    (lexicon.SQLITE, "$$ :a $$ E'\\' :a", "$$ <a> $$ E'\\' <a>"),
    (lexicon.mysql(""), r"""'\':a' "\":a" 1--1 :a # :a""", r"""'\':a' "\":a" 1--1 <a> # :a"""),
    (lexicon.mysql("ANSI_QUOTES"), r"""'\':a' "\" :a""", r"""'\':a' "\" <a>"""),
    (lexicon.mysql("A,NO_BACKSLASH_ESCAPES"), r"""'\' :a "\" :a $$ :a $$""", r"""'\' <a> "\" <a> $$ <a> $$"""),
    (lexicon.mysql(""), "`a``:a` -- :a\n@b:=:a, a.:a, --", "`a``:a` -- :a\n@b:=<a>, a.<a>, --"),
    (lexicon.DUCKDB, "x[1:2], x[y:z], x[:2], a::a, {'k':a1}, ::a", "x[1:2], x[y:z], x[:2], a::a, {'k':a1}, ::a"),
)


@pytest.mark.parametrize(("of", "query", "bound"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_bound_is_put_in_where_the_database_would_look_for_it(of: Lexicon, query: str, bound: str) -> None:
    assert lexicon.with_bounds(query, of, lambda name: f"<{name}>" if name == "a" else f":{name}") == bound


@pytest.mark.parametrize(
    ("of", "query", "says"),
    [
        (lexicon.SQLITE, "'a\\'; b'", "one statement"),
        (lexicon.POSTGRESQL, "E'a\\'; b' ; c", "one statement"),
        (lexicon.POSTGRESQL, "'it''s", "a ' that nothing closes"),
        (lexicon.mysql(""), '"a\\"', 'a " that nothing closes'),
        (lexicon.POSTGRESQL, "/* /* */", "comment /\\* that nothing closes"),
        (lexicon.SQLITE, "1 /*/ :a", "comment /\\* that nothing closes"),
        (lexicon.mysql(""), "1 /*!50000 ; */", "not hold a comment that the database runs"),
        (lexicon.mysql(""), "1 /*M! ; */", "not hold a comment that the database runs"),
    ],
)
def test_what_no_single_statement_can_be_is_refused(of: Lexicon, query: str, says: str) -> None:
    with pytest.raises(Permanent, match=says):
        lexicon.with_bounds(query, of, str)
