"""What an answer tells: two are alike when nobody can read more from one than from the other."""

from __future__ import annotations

import httpx

Told = tuple[int, tuple[tuple[str, str], ...], str]

_OWN = {"date", "x-request-id"}


def told(answer: httpx.Response) -> Told:
    """Status, headers and body, but for the request's id and the date."""
    request_id = answer.headers["x-request-id"]
    headers = sorted(
        (name, value) for name, value in answer.headers.multi_items() if name not in _OWN
    )
    return answer.status_code, tuple(headers), answer.text.replace(request_id, "")


def faults_of(answer: httpx.Response, *, unsaid: str = "") -> list[str]:
    """What is wrong with a refusal: it is a problem document that tells nothing of its maker, and
    nothing of what it was given."""
    faults = []
    if answer.headers.get("content-type") != "application/problem+json":
        return [f"is {answer.headers.get('content-type')}"]
    problem = answer.json()
    if problem.get("status") != answer.status_code:
        faults.append("states another status")
    if not str(problem.get("type")).startswith("https://"):
        faults.append("has no absolute type")
    faults += [f"has no {name}" for name in ("title", "code", "instance") if not problem.get(name)]
    text = answer.text + str(answer.headers.multi_items())
    faults += [f"says {word}" for word in _INSIDE if word in text]
    if unsaid and unsaid in text:
        faults.append("repeats what it was given")
    return faults


_INSIDE = (
    *("Traceback", 'File "', ".py", "asyncpg", "sqlalchemy", "pydantic", "psycopg", "uvicorn"),
    *("SELECT", "INSERT", "UPDATE auth", "relation", "Exception", "Error(", "line "),
)
"""Words of a stack, of SQL and of classes."""
