"""The resources that the API process holds while it runs: opened in this order, closed in the reverse order."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from uuid import UUID

import psycopg
from fastapi import FastAPI
from psycopg_pool import PoolTimeout

from accounts.access import Access
from app import tracing
from app.draining import Draining
from app.ledger_watch import LedgerWatch
from app.probes import Probes
from app.readiness import Readiness
from commands.appender.appender import Appender
from commands.code_guesses import CodeGuesses
from commands.guest_orders import GuestOrders
from commands.holds import Holds
from commands.online_payments import OnlinePayments
from commands.service import CommandService
from commands.write_side import WriteSide
from ledger import gc_tuning
from ledger.connection import LedgerConnection
from ledger.database_clock import DatabaseClock
from ledger.errors import SeatledgerError
from ledger.event import Event
from ledger.keys import Keyring
from ledger.macs import MacCheck, Macs
from ledger.mail_tokens import MailTokens
from ledger.open_holds import OpenHolds
from ledger.pool import Pool, make_pool
from ledger.postgres_connections import make_engine
from ledger.promo_codes import PromoCodes
from ledger.settings import Settings
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from notifications.announcements import Announcements
from notifications.mailbox_reader import MailboxReader
from notifications.manage_links import ManageLinks
from notifications.manage_urls import ManageUrls
from notifications.resending import Resending
from notifications.unsubscribe_routes import Unsubscribing
from notifications.unsubscribe_urls import UnsubscribeUrls
from notifications.webhooks.registry import Webhooks
from notifications.webhooks.secrets import WebhookSecrets
from projections.proof.log_keys import LogKeys
from projections.wake_ups import WakeUpSender
from providers.registry import open_providers
from providers.unplaced import UnplacedMoney
from query_api.read_side import ReadSide
from query_api.replica import Replica
from seed.demo import ACCOUNT_IDS

LOAD_CONNECTIONS = 4
#: The bound of a statement about what a provider does.
PROVIDER_SECONDS = 5.0


@asynccontextmanager
async def run(
    settings: Settings,
    wake_up_sender: Callable[[Settings], WakeUpSender],
    draining: Draining,
    app: FastAPI,
) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(make_pool(settings))
        clock = DatabaseClock()
        ticket_keys = Keyring.open(settings.keys, "tickets")
        codes, promo_codes, macs = TicketCodes(ticket_keys), PromoCodes(ticket_keys), Macs.open(settings.keys)

        async def last_seen_event(event_id: UUID) -> Event | None:
            return await appender.last_seen_event(event_id)

        # A pool of its own: queries may occupy all other connections, and Events that are not in memory must load nevertheless.
        load_pool = await stack.enter_async_context(make_pool(settings, size=LOAD_CONNECTIONS))
        pools, replica = {"query": pool, "load": load_pool}, None
        if settings.database_read_url:
            pools["standby"] = await stack.enter_async_context(make_pool(settings, url=settings.database_read_url))
            replica = Replica(pools["standby"], primary=load_pool)
            replica.start()
            stack.push_async_callback(replica.close)
        read_side = ReadSide(settings, pool, codes, LogKeys.open(settings.keys), macs, last_seen_event, replica, clock)
        await read_side.start()
        stack.push_async_callback(read_side.close)
        key, *older_keys = Keyring.open(settings.keys, "accounts").newest_first
        closed = frozenset[UUID]() if settings.demo else ACCOUNT_IDS
        access = Access(
            settings, pool, key=key, older_keys=older_keys, erasure_obstacle=read_side.erasure_obstacle, closed_accounts=closed,
            mail_tokens=MailTokens(Keyring.open(settings.keys, "mail")) if settings.has_mail else None,
        )  # fmt: skip
        await stack.enter_async_context(access)
        wake_ups = wake_up_sender(settings)
        wake_ups.start()
        wake_ups.wake()  # for entries that were appended just before the last stop and not projected yet
        stack.callback(wake_ups.close)
        streams = Streams(load_pool, MacCheck(macs))
        appender = Appender(
            connect=partial(
                LedgerConnection.connect, settings.database_url, macs, must_be_durable=not settings.allow_unsafe_database
            ),
            streams=streams,
            clock=clock,
            appended=lambda position: wake_ups.wake(),
            queue_limit=settings.command_queue_limit,
            batch_limit=settings.command_batch_limit,
            timeout_seconds=settings.command_timeout_seconds,
            cache_bytes=settings.event_cache_bytes,
        )
        appender.anchor.on_loss(read_side.reset)
        await appender.start()
        stack.push_async_callback(appender.close)
        watch = LedgerWatch(
            load_pool,
            appender.anchor,
            clock,
            on_rebuild=read_side.reset,
            others=[pool for name, pool in pools.items() if name != "load"],
        )
        with suppress(SeatledgerError, psycopg.Error, PoolTimeout):  # it is asked again each second
            await watch.look()  # no command may go by a clock that is wrong
        watch.start()
        stack.push_async_callback(watch.close)

        command_service = CommandService(appender, streams, codes)
        app.state.access, app.state.read_side, app.state.settings = access, read_side, settings
        app.state.open_holds = OpenHolds(clock, read_side.held_by, read_side.hold_ends)
        appender.anchor.on_loss(app.state.open_holds.reset)
        app.state.write_side = WriteSide(
            command_service,
            currency=settings.currency,
            find_event=read_side.event_of_booking,
            find_contact=access.directory.find_or_create_contact,
            key=key,
            has_holds=settings.holds,
            promo_codes=promo_codes,
        )
        manage_urls = ManageUrls(settings.server_url, MailTokens(Keyring.open(settings.keys, "mail")))
        app.state.code_guesses = CodeGuesses()
        app.state.online_payments = _open_payments(stack, settings, command_service)
        app.state.guest_orders = GuestOrders(command_service, access, promo_codes, key)
        _open_notifications(app, settings, pool, read_side, command_service, wake_ups, manage_urls)
        app.state.holds = Holds(
            app.state.write_side, app.state.open_holds, manage_urls, access.directory.is_known,
            app.state.manage_links.check_holder, settings,
        )  # fmt: skip
        readiness = Readiness(load_pool, draining, must_be_durable=not settings.allow_unsafe_database)
        app.state.probes = Probes(app.state.observer, pools, appender, read_side, readiness)
        app.state.observer.is_traced = tracing.start()
        gc_tuning.tune()
        yield


def _open_payments(stack: AsyncExitStack, settings: Settings, command_service: CommandService) -> OnlinePayments:
    engine = make_engine(settings.database_url, "seatledger-providers", statement_seconds=PROVIDER_SECONDS, pool_size=2)
    stack.callback(engine.dispose)
    return OnlinePayments(command_service, open_providers(settings, engine), UnplacedMoney(engine))


def _open_notifications(
    app: FastAPI,
    settings: Settings,
    pool: Pool,
    read_side: ReadSide,
    command_service: CommandService,
    wake_ups: WakeUpSender,
    manage_urls: ManageUrls,
) -> None:
    app.state.mailbox = MailboxReader(pool)
    app.state.webhooks = Webhooks(pool, WebhookSecrets(settings), allow_private=settings.webhooks_allow_private)
    app.state.resending = Resending(pool, read_side.latest_booking, sends_mail=settings.has_mail, wake=wake_ups.wake)
    app.state.manage_links = ManageLinks(
        pool,
        manage_urls,
        read_side.booked_by,
        app.state.resending,
        sends_mail=settings.has_mail,
        wake=wake_ups.wake,
    )
    unsubscribe_urls = UnsubscribeUrls(settings.server_url, MailTokens(Keyring.open(settings.keys, "mail")))
    app.state.unsubscribing = Unsubscribing(pool, unsubscribe_urls)
    app.state.announcements = Announcements(
        pool,
        unsubscribe_urls,
        command_service.last_seen_event,
        sends_mail=settings.has_mail,
        wake=wake_ups.wake,
    )
