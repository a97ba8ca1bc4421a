"""What a caller is refused with: every sentence ends, and says what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from house_tree import calls, modules, tree

from dayfill.api.wire import ERRORS

REMEDY = re.compile(
    r"\b(ask|change|check|choose|create|describe|encode|end it|enter|fill|flatten|free|give|go on|keep|known are"
    r"|known is|leave|lists?|look|make|mend|must|name (?:one|the|them|what)|raises|rename|restore|retry|rotate|see|send"
    r"|set|shorten|split|start|tell|try|use|wait|write)\b",
    re.IGNORECASE,
)
"""Words by which a sentence tells what to do, or what is allowed in place of what came."""
ROOMS = tuple(f"src/dayfill/{room}" for room in ("api", "engine", "domain", "store", "secrets", "ui"))
WHERE = {**dict.fromkeys((error.__name__ for error in ERRORS), 0), "Problem": 2, "failure": 3}
"""What refuses -> which of its arguments is the sentence."""
PASSED_ON = {
    "' '.join((problem.text for problem in problems))": "problems, each looked at where it is made",
    "' '.join((problem.text for problem in found))": "the same",
    "_sentences(found)": "the same",
    "error.description": "looked at where it is raised",
    "error.description.replace('The request body', f'The parameter {name}', 1)": "a refusal of bodies.py",
    "Query: ….": "a ValueError of domain/query_dates.py, query_filter.py or query.py",
    "The setting … ….": "domain/source_settings.py says what its value must be",
    "…: …": "a sentence of a connector: see the laws in CONTRIBUTING.md",
    "… now: …": "the same",
    "Request body: Object contains unknown field `…`; ….": "ends in _secrets_of: what to send, or to leave out",
    "… takes no …: ….": "the same",
    "There is no auth_method …: ….": "ends in what is known, or to leave it out",
    "There is no field ……": "ends in what may be meant and what is known: domain/problem.choices",
    "There is no setting ……": "the same",
    "There is no data source ……": "the same",
    "There is no destination type ……": "the same",
    "There is no scope ……": "the same",
    "A login at … keeps no secret ……": "the same, or to leave it out",
    "allowed.spent(now)": "domain/allowance.py: until when, unless the operator raises it",
    "_nothing(found)": "engine/retries.py: look again, or wait",
    "description": "looked at where it is passed",
    "reason": "ui/visit.py says whom to ask",
    "": "a problem for programs alone",
}
"""What does not say all of it itself, and what does."""


def sentences() -> Iterator[tuple[str, str]]:
    """Where a caller is refused, and what it is told; what is filled in when it happens is left out."""
    for path in modules(*ROOMS):
        outside = list(assigned(tree(path).body))
        for function in ast.walk(tree(path)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                known = [*outside, *assigned(ast.walk(function))]
                for call, name in calls(function):
                    if name in WHERE and len(call.args) > WHERE[name]:
                        sentence = call.args[WHERE[name]]
                        texts = [text for one, text in known if isinstance(sentence, ast.Name) and one == sentence.id]
                        for text in texts or [written(sentence)]:
                            yield f"{path}:{call.lineno}", text


def assigned(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    """Names, and the texts that they are given."""
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, written(node.value)


def written(node: ast.expr) -> str:
    """The text of an expression, as far as it stands there; the expression itself, if it says nothing."""
    if isinstance(node, ast.JoinedStr):
        return "".join(one.value if isinstance(one, ast.Constant) else "…" for one in node.values)
    if isinstance(node, ast.Constant):
        return str(node.value)
    return ast.unparse(node)


def test_every_refusal_says_what_to_do() -> None:
    found = list(sentences())
    silent = [f"{place}: {text}" for place, text in found if text not in PASSED_ON and not REMEDY.search(text)]
    endless = [f"{place}: {text}" for place, text in found if text not in PASSED_ON and not text.endswith((".", "…"))]
    assert len(found) > 150
    assert PASSED_ON.keys() <= {text for _, text in found}
    assert silent == []
    assert endless == []
