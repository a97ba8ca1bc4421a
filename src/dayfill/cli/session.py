"""``dayfill session`` and ``dayfill sign-in-link``: who is signed in at the pages, and how somebody gets in."""

from __future__ import annotations

from cyclopts import App

from dayfill.app import State
from dayfill.app.http import in_url
from dayfill.cli.dates import stamp
from dayfill.cli.exits import Exit
from dayfill.cli.installation import existing_state
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.domain.audit import OPERATOR, Act
from dayfill.engine import audit, sessions
from dayfill.store import teams

app = App(name="session", help="Who is signed in at the pages of this installation.")

_COLUMNS = {"ID": "session_id", "E-MAIL": "email", "FROM": "address", "SINCE": "created_time", "LAST SEEN": "seen_time"}


@app.command(name="list")
async def list_(*, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Who is signed in, the last seen first.

    For example:

        dayfill session list

    """
    async with existing_state(options.settings()) as state:
        found = await sessions.listed(state.db, state.seams)
    rows = [
        {
            "session_id": one.session_id,
            "user_id": one.user_id,
            "email": one.email,
            "address": one.address,
            "created_time": stamp(one.created_time),
            "seen_time": stamp(one.seen_time),
        }
        for one in found
    ]
    options.printer().many(rows, _COLUMNS)
    return Exit.OK


@app.command
async def end(session_id: int, /, *, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Sign somebody out: the next request of that browser is refused, and a page that is open stops within 30 s.

    For example:

        dayfill session end 3

    Args:
        session_id: Id of the session, as `dayfill session list` prints it.
    """
    async with existing_state(options.settings()) as state, state.db.write() as tx:
        team_id, act = await sessions.end(tx, session_id)
        await audit.record(tx, OPERATOR, team_id, act, state.seams.now())
    options.printer().note(f"Session {session_id} is over.")
    return Exit.OK


async def sign_in_link(email: str, /, *, at: str | None = None, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Print a link that signs a user in at the pages: once, within 15 minutes.

    For example:

        dayfill sign-in-link ann@example.com
        dayfill sign-in-link ann@example.com --at https://dayfill.example.com

    Args:
        email: E-mail address of the user.
        at: Where browsers reach the server, if that is not the address that it listens on (DAYFILL_BIND).
    """
    settings = options.settings()
    async with existing_state(settings) as state:
        path = await _link(state, email)
    url = (at or f"http://{in_url(settings.host)}:{settings.port}").rstrip("/") + path
    options.printer().one({"url": url})
    return Exit.OK


async def first_link(state: State) -> str | None:
    """Path of a link for the first owner of the first team; None if there is nobody like that any more."""
    for team in (await teams.page(state.db))[:1]:
        for member in await teams.members(state.db, team.team_id):
            if member.is_enabled:
                return await _link(state, member.email)
    return None


async def _link(state: State, email: str) -> str:
    async with state.db.write() as tx:
        token = await sessions.link_for(tx, state.seams, email)
        user_id = await teams.user_id_of(tx, email.strip().lower())
        assert user_id is not None
        await audit.record(tx, OPERATOR, None, Act("session.link", user_id), state.seams.now())
    return f"/sign-in?link={token}"
