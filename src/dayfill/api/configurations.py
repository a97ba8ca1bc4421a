"""A transfer's configuration on the wire: the body that creates or replaces it, and how it is read back."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dayfill.api.wire import Call, stamp, stamp_or_none
from dayfill.domain.ids import LARGEST_SHORT_ID
from dayfill.domain.problem import Problem
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.transfer import Account, Configuration, Segment, SourceSetting, Transfer
from dayfill.domain.validation import ScheduleDraft, read_schedules
from dayfill.engine import sources
from dayfill.errors import Refused
from dayfill.store import schedules

Id = Annotated[int, Meta(ge=1, le=LARGEST_SHORT_ID)]


class TransferBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a create, of an update (full replacement) and of a validation."""

    data_source_id: str
    schema_id: Id
    destination_id: Id
    display_name: str
    schedule: list[ScheduleDraft]
    accounts: list[Account]
    segments: list[Segment] = []
    data_source_settings: list[SourceSetting] = []
    notification_recipients: list[str] = []
    transfer_type: int | None = None


class ScheduleView(msgspec.Struct):
    run_interval: str
    refresh_window: int
    run_hour: int | UnsetType = UNSET
    run_weekday: int | UnsetType = UNSET
    run_day: int | UnsetType = UNSET


class License(msgspec.Struct):
    """The vendor's licence, as one that always holds; dayfill has none."""

    id: int = 1
    product_title: str = "dayfill"
    license_title: str = "Self-hosted"
    is_expired: bool = False
    is_trial: bool = False
    features: dict[str, str] = {}


class SourceView(msgspec.Struct):
    data_source_id: str
    settings: tuple[SourceSetting, ...]
    service_name: str | UnsetType = UNSET


class Recipient(msgspec.Struct):
    email: str


class Extension(msgspec.Struct):
    """What the vendor's configuration does not say."""

    state: str
    zone: str
    created_time: str
    created_user_id: int
    next_run_time: str | None


class ConfigurationView(msgspec.Struct):
    transfer_id: int
    display_name: str
    schema_id: int
    destination_id: int
    accounts: tuple[Account, ...]
    segments: tuple[Segment, ...]
    schedule: list[ScheduleView]
    data_source: SourceView
    notification_recipients: list[Recipient]
    license: License
    x: Extension
    external_url: None = None


def read(body: TransferBody) -> tuple[Configuration, list[Problem]]:
    """The configuration of a body, without the schedules that cannot be one, which are the problems."""
    planned, problems = read_schedules(body.schedule)
    configuration = Configuration(
        data_source_id=body.data_source_id,
        schema_id=body.schema_id,
        destination_id=body.destination_id,
        display_name=body.display_name,
        schedules=planned,
        accounts=tuple(body.accounts),
        segments=tuple(body.segments),
        settings=tuple(body.data_source_settings),
        notification_recipients=tuple(body.notification_recipients),
        transfer_type=body.transfer_type,
    )
    return configuration, problems


def wanted(call: Call) -> Configuration:
    """The configuration of the request's body.

    Raises:
        Malformed: the body has another shape. Refused: a schedule that cannot be one.
    """
    configuration, problems = read(call.decode(TransferBody))
    if problems:
        raise Refused(" ".join(problem.text for problem in problems))
    return configuration


async def show(call: Call, transfer: Transfer) -> ConfigurationView:
    """A transfer as it is read back; recipients are objects here and texts in a body."""
    configuration = transfer.configuration
    source = sources.find(configuration.data_source_id)
    return ConfigurationView(
        transfer_id=transfer.transfer_id,
        display_name=configuration.display_name,
        schema_id=configuration.schema_id,
        destination_id=configuration.destination_id,
        accounts=configuration.accounts,
        segments=configuration.segments,
        schedule=[schedule_view(schedule) for schedule in configuration.schedules],
        data_source=SourceView(
            configuration.data_source_id, configuration.settings, source.title if source is not None else UNSET
        ),
        notification_recipients=[Recipient(address) for address in configuration.notification_recipients],
        license=License(),
        x=Extension(
            transfer.state.value,
            transfer.zone,
            stamp(transfer.created_time),
            transfer.created_user_id,
            stamp_or_none(await schedules.next_of(call.server.db, transfer.transfer_id)),
        ),
    )


def schedule_view(schedule: Schedule) -> ScheduleView:
    """A schedule with the keys that its interval uses."""
    view = ScheduleView(schedule.interval.value, schedule.refresh_window)
    if schedule.interval is not Interval.HOURLY:
        view.run_hour = schedule.hour
    if schedule.interval is Interval.WEEKLY:
        view.run_weekday = schedule.weekday
    if schedule.interval is Interval.MONTHLY:
        view.run_day = schedule.month_day
    return view
