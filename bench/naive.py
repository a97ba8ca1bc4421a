"""The anchor of a read on PostgreSQL: the same answer by FastAPI, pydantic and SQLAlchemy's async ORM.

It is frozen: made to be measured, from the same tables, and not to become better.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel
from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    type_annotation_map = {int: BigInteger}  # noqa: RUF012  as the ORM's documentation has it


class ApiKey(Base):
    __tablename__ = "api_keys"
    api_key_id: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes]
    user_id: Mapped[int]
    scopes: Mapped[str]
    is_enabled: Mapped[int]


class Member(Base):
    __tablename__ = "members"
    user_id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str]


class Run(Base):
    __tablename__ = "runs"
    run_id: Mapped[int] = mapped_column(primary_key=True)
    backfill_id: Mapped[int] = mapped_column(ForeignKey("backfills.backfill_id"))
    data_date: Mapped[str]
    status: Mapped[str]
    message: Mapped[str]


class Backfill(Base):
    __tablename__ = "backfills"
    backfill_id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int]
    transfer_id: Mapped[int]
    range_start: Mapped[str]
    range_end: Mapped[str]
    status: Mapped[str]
    created_time: Mapped[int]
    created_user_id: Mapped[int]
    start_time: Mapped[int | None]
    end_time: Mapped[int | None]
    removed_time: Mapped[int | None]
    removed_user_id: Mapped[int | None]
    total: Mapped[int]
    created: Mapped[int]
    completed: Mapped[int]
    failed: Mapped[int]
    failures: Mapped[list[Run]] = relationship(
        primaryjoin="and_(Backfill.backfill_id == Run.backfill_id, Run.status == 'FAILED')", viewonly=True
    )


class FailureView(BaseModel):
    date: str
    error: str


class BackfillView(BaseModel):
    transfer_backfill_id: int
    transfer_id: int
    range_start_date: str
    range_end_date: str
    created_time: int
    created_user_id: int
    removed_time: int | None
    removed_user_id: int | None
    start_time: int | None
    end_time: int | None
    status: str
    transfer_runs_total: int
    transfer_runs_created: int
    transfer_runs_completed: int
    transfer_runs_failed: int
    error_report: list[FailureView]


class Answer(BaseModel):
    data: BackfillView


async def session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


async def allowed(team_id: int, authorization: Annotated[str, Header()], db: Session) -> None:
    hashlib.sha256(authorization.removeprefix("Bearer ").encode()).digest()
    key = (await db.execute(select(ApiKey).where(ApiKey.is_enabled == 1).limit(1))).scalar_one_or_none()
    if key is None:
        raise HTTPException(401)
    of_team = select(Member).where(Member.user_id == key.user_id, Member.team_id == team_id)
    if (await db.execute(of_team)).scalar_one_or_none() is None:
        raise HTTPException(403)


app = FastAPI()


@app.get("/teams/{team_id}/backfills/{backfill_id}", dependencies=[Depends(allowed)], response_model=Answer)
async def get(team_id: int, backfill_id: int, db: Session) -> Answer:
    wanted = select(Backfill).where(Backfill.backfill_id == backfill_id, Backfill.team_id == team_id)
    found = (await db.execute(wanted.options(selectinload(Backfill.failures)))).scalar_one_or_none()
    if found is None:
        raise HTTPException(404)
    return Answer(data=_view(found))


def _view(found: Backfill) -> BackfillView:
    return BackfillView(
        transfer_backfill_id=found.backfill_id,
        transfer_id=found.transfer_id,
        range_start_date=found.range_start,
        range_end_date=found.range_end,
        created_time=found.created_time,
        created_user_id=found.created_user_id,
        removed_time=found.removed_time,
        removed_user_id=found.removed_user_id,
        start_time=found.start_time,
        end_time=found.end_time,
        status=found.status,
        transfer_runs_total=found.total,
        transfer_runs_created=found.created,
        transfer_runs_completed=found.completed,
        transfer_runs_failed=found.failed,
        error_report=[FailureView(date=run.data_date, error=run.message) for run in found.failures],
    )


async def main(dsn: str) -> None:
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"), pool_size=8)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(json.dumps({"port": listener.getsockname()[1], "pid": os.getpid()}), flush=True)
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
        await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
