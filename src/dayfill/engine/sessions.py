"""Verbs on the sessions of people at the pages: signing in by a link or with an API key, staying in, signing out."""

from __future__ import annotations

import hashlib
import hmac
import secrets as entropy
from datetime import timedelta

from dayfill.domain.audit import Act, Actor
from dayfill.engine import audit
from dayfill.errors import Busy, Denied, Missing, Unauthenticated
from dayfill.seams import Seams
from dayfill.store import sessions, teams
from dayfill.store.db import Database, Reader, Tx
from dayfill.store.sessions import Session

IDLE, LONGEST = timedelta(hours=8), timedelta(days=7)
"""A session ends when nobody has used it for so long, and however busy it is."""
LINK_LIVES = timedelta(minutes=15)
_SEEN_EVERY = timedelta(minutes=1)
_TOKEN_BYTES = 32


def hash_of(token: str) -> bytes:
    """What the state keeps of a cookie or of a link: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


async def link(tx: Tx, seams: Seams, user_id: int) -> str:
    """What a link must carry to sign this user in, once, within 15 minutes."""
    token = entropy.token_urlsafe(_TOKEN_BYTES)
    await sessions.insert_link(tx, hash_of(token), user_id, seams.now() + LINK_LIVES)
    return token


async def link_for(tx: Tx, seams: Seams, email: str) -> str:
    """The same for an e-mail address.

    Raises:
        Missing: nobody has it.
    """
    user_id = await teams.user_id_of(tx, email.strip().lower())
    if user_id is None:
        raise Missing(f"Nobody here has the e-mail address {email!r}: see `dayfill member list`.")
    return await link(tx, seams, user_id)


async def use_link(tx: Tx, seams: Seams, token: str) -> int:
    """The user whom a link signs in; a second time it signs in nobody.

    Raises:
        Unauthenticated: it has been used or has expired, or was never given out.
    """
    user_id = await sessions.use_link(tx, hash_of(token), seams.now())
    if user_id is None:
        raise Unauthenticated(
            "This link has been used or is older than 15 minutes. Ask for a new one: dayfill sign-in-link EMAIL, on "
            "the machine of the server; or sign in with an API key."
        )
    return user_id


async def begin(tx: Tx, seams: Seams, user_id: int, actor: Actor, before: Session | None = None) -> str:
    """Sign a user in; returns the new cookie. before: the session of the same browser, which ends with this.

    Raises:
        Denied: the user is in no team, or disabled.
    """
    now = seams.now()
    roles = await teams.roles_of(tx, user_id)
    if not roles:
        raise Denied("You are in no team of this server: ask an owner to add you.")
    await sessions.drop_old(tx, now - IDLE, now - LONGEST, now)
    if before is not None:
        await sessions.end(tx, before.session_id)
    token, csrf = entropy.token_urlsafe(_TOKEN_BYTES), entropy.token_bytes(_TOKEN_BYTES)
    team_id = before.team_id if before is not None and before.team_id in roles else min(roles)
    session_id = await sessions.insert(tx, hash_of(token), user_id, team_id, csrf, actor.address or "", now)
    if await sessions.get(tx, hash_of(token)) is None:
        raise Denied("Your user is disabled: ask an owner.")
    await audit.record(tx, actor, team_id, Act("session.begin", session_id, after={"user_id": user_id}), now)
    return token


async def current(db: Database, seams: Seams, token: str) -> Session | None:
    """The session of a cookie, if it has not ended; that it was used is written down once a minute."""
    session, now = await sessions.get(db, hash_of(token)), seams.now()
    if session is None or now - session.seen_time >= IDLE or now - session.created_time >= LONGEST:
        return None
    if now - session.seen_time >= _SEEN_EVERY:
        try:
            async with db.write() as tx:
                await sessions.see(tx, session.session_id, now)
        except Busy:  # a full disk takes no page away
            return session
    return session


async def turn(tx: Tx, session: Session, team_id: int) -> Act:
    """Look at another team of the user; returns the act, for the audit log.

    Raises:
        Missing: the user is not in it.
    """
    if team_id not in session.roles:
        raise Missing("You are not in this team: choose one of yours.")
    await sessions.turn(tx, session.session_id, team_id)
    return Act("session.turn", session.session_id, {"team_id": session.team_id}, {"team_id": team_id})


async def end(tx: Tx, session_id: int) -> tuple[int, Act]:
    """Sign out; pages that are open there are refused from now on. Returns team and act, for the audit log.

    Raises:
        Missing: there is no such session.
    """
    ended = await sessions.end(tx, session_id)
    if ended is None:
        raise Missing(f"There is no session {session_id}: list those that there are.")
    user_id, team_id = ended
    return team_id, Act("session.end", session_id, before={"user_id": user_id})


async def listed(db: Reader, seams: Seams, user_id: int | None = None) -> list[sessions.Listed]:
    """The sessions that have not ended, of everybody or of one user."""
    now = seams.now()
    return await sessions.list_all(db, now - IDLE, now - LONGEST, user_id)


def csrf_token(session: Session) -> str:
    """What a form must send back; each time another text, so that a compressed page gives it away to nobody."""
    salt = entropy.token_hex(8)
    return f"{salt}.{_signed(session, salt)}"


def is_csrf_token(session: Session, token: str) -> bool:
    """Whether a text was given by `csrf_token` for this session."""
    salt, _, signed = token.partition(".")
    return hmac.compare_digest(signed.encode(), _signed(session, salt).encode())


def _signed(session: Session, salt: str) -> str:
    return hmac.new(session.csrf, salt.encode(), hashlib.sha256).hexdigest()
