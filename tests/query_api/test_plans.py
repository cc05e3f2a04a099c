"""Every query finds its rows by an index, however many there are."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from query_api import queries as q
from query_api.database import Query
from tests.query_api.world import NOW, World

ROWS = 20_000
BIG = {
    "catalogue_events", "catalogue_categories", "availability_events", "availability_categories", "booking_events", "bookings",
    "tickets", "accounts", "guests", "revenue_events", "revenue_categories", "revenue_hours", "ledger_entries", "outbox",
    "payments", "money_movements", "postings", "posting_balances",
}  # fmt: skip

FILL = """
CREATE TEMP TABLE n AS SELECT n, md5('event' || n)::uuid AS event_id, md5('booking' || n)::uuid AS booking_id,
    md5('organizer' || n % 500)::uuid AS organizer_id, md5('customer' || n % 5000)::uuid AS customer_id,
    now() + make_interval(hours => n - 5000) AS starts_at,
    CASE WHEN n % 1000 > 0 THEN now() + make_interval(hours => n - 5000) END AS past_at,
    (ARRAY['active', 'completed'])[1 + (n % 10 = 0)::int] AS status FROM generate_series(1, %(rows)s) n;
INSERT INTO catalogue_events (event_id, number, name, description, venue, starts_at, past_at, timezone, currency, status,
    organizer_id, details_version, created_at, position)
    SELECT event_id, n, 'Event ' || md5(n::text), '', 'Hall ' || n, starts_at, past_at, 'UTC', 'EUR', status, organizer_id, 1,
        now(), n
    FROM n;
INSERT INTO catalogue_categories SELECT event_id, 1, 'General', 5000 FROM n;
INSERT INTO availability_events SELECT event_id, n FROM n;
INSERT INTO availability_categories (event_id, category, name, capacity, taken) SELECT event_id, 1, 'General', 100, 1 FROM n;
INSERT INTO booking_events SELECT event_id, 'Event', starts_at, 'EUR', organizer_id, status, NULL, past_at FROM n;
INSERT INTO accounts (id, name, email, role)
    SELECT DISTINCT ON (customer_id) customer_id, md5(n::text), 'p' || n || '@example.test', 'customer' FROM n;
INSERT INTO accounts (id, name, email, role) SELECT gen_random_uuid(), 'x', 'q' || n || '@example.test', 'customer' FROM n;
INSERT INTO guests (id, api, name) SELECT DISTINCT organizer_id, 'shop', 'g' FROM n;
INSERT INTO guests (id, api, name) SELECT DISTINCT customer_id, 'shop', 'g' FROM n;
INSERT INTO guests (id, api, handle, name) SELECT gen_random_uuid(), 'shop', 'h' || n, 'g' FROM n;
INSERT INTO bookings SELECT booking_id, n, md5('event' || 1 + n % 100)::uuid, n, 1, customer_id, 'confirmed', 1,
    5000, 0, now(), now() FROM n;
INSERT INTO tickets SELECT booking_id, 0, 1, 'General', 5000, 'active' FROM n;
INSERT INTO revenue_events SELECT event_id, n, 'Event', starts_at, 'EUR', organizer_id, status, 1, 0 FROM n;
INSERT INTO revenue_categories SELECT event_id, 1, 'General', 100, 1, 5000, 0 FROM n;
INSERT INTO revenue_hours SELECT event_id, date_trunc('hour', starts_at), 1, 0, 1, 0, 5000, 0 FROM n;
INSERT INTO ledger_entries SELECT event_id, 1, 'x', '{}' FROM n;
INSERT INTO outbox (id, channel, kind, recipient_id, event_id, booking_id, position, details, state)
    SELECT md5('mail' || number)::uuid, 'mail', 'booking-confirmed', customer_id, event_id,
        CASE WHEN number % 10 > 0 THEN booking_id END, number, '{}', (ARRAY['sent', 'failed'])[1 + (number % 50 = 0)::int]
    FROM bookings;
INSERT INTO payments SELECT md5('payment' || n)::uuid, n, md5('event' || 1 + n % 100)::uuid, booking_id, 'cash', 5000, 'EUR', '',
    now(), 5000 * (n % 50 = 0)::int, 0 FROM n;
INSERT INTO money_movements SELECT position, event_id, booking_id, payment_id, 'received', amount, method, '', '', now(), NULL
    FROM payments;
INSERT INTO postings SELECT position, line, event_id, booking_id, (ARRAY['cash', 'receivable'])[line + 1], '', 5000 - 10000 * line,
    now() FROM payments, generate_series(0, 1) line;
INSERT INTO posting_balances SELECT event_id, 'cash', '', 5000 FROM n;
INSERT INTO subscriptions (name, position) VALUES ('mail', %(rows)s - 10);
UPDATE projections SET position = %(rows)s - 10;
DROP TABLE n;
"""


def scans(plan: Any) -> set[str]:
    """The tables that are read from end to end."""
    own = {plan["Relation Name"]} if plan["Node Type"] in ("Seq Scan", "Parallel Seq Scan") else set()
    return own.union(*(scans(child) for child in plan.get("Plans", ())))


def every_query(event_id: UUID, account_id: UUID) -> dict[str, Query[Any]]:
    now = NOW
    events = q.EventSearch(status="active", upcoming=True)
    every = q.EventSearch()
    search = q.BookingSearch(event_id, account_id)
    sales: dict[str, Any] = {"viewer": None, "event_id": None, "from_": None, "to": None}
    own: dict[str, Any] = {"customer_ids": {account_id}, "event_id": None, "status": None, "limit": 50}
    told: dict[str, Any] = {"viewer": None, "booking_id": None, "event_id": None, "state": None, "after": None, "limit": 50}
    paid: dict[str, Any] = {"viewer": None, "event_id": None, "state": None, "after": None, "limit": 50}
    after = (now + timedelta(days=30), event_id)
    return {
        "event": q.event_by_id(event_id),
        "events": q.event_page(events, now),
        "events, next page": q.event_page(events._replace(after=after), now),
        "events, open dates": q.event_page(events._replace(after=(None, event_id)), now),
        "events, all": q.event_page(every, now),
        "events, all, next page": q.event_page(every._replace(after=after), now),
        "events, range": q.event_page(events._replace(from_=now, to=now + timedelta(days=2)), now),
        "events, organizer": q.event_page(events._replace(organizer_id=account_id, status=None), now),
        "events, search": q.event_page(events._replace(q="c4ca4238a0b9"), now),
        "events, short search": q.event_page(events._replace(q="e"), now),
        "booking": q.booking_by_id(event_id),
        "bookings": q.customer_bookings(customer_ids={account_id}, event_id=None, status="confirmed", after=None, limit=50),
        "bookings, event": q.customer_bookings(
            customer_ids={account_id}, event_id=event_id, status="cancelled", after=500, limit=50
        ),
        "bookings, upcoming": q.customer_bookings(**own, after=None, when="upcoming", since=now),
        "bookings, past": q.customer_bookings(**own, after=500, when="past", since=now),
        "bookings, several ids": q.customer_bookings(**own | {"customer_ids": {account_id, event_id}}, after=500),
        "event's bookings": q.event_bookings(search, None, 50),
        "event's bookings, next page": q.event_bookings(search._replace(viewer=None), 5000, 50),
        "event's bookings, search": q.event_bookings(search._replace(q="ann", number=5), None, 50),
        "event's bookings, code": q.event_bookings(search._replace(version=5), None, 50),
        "event's bookings, cancelled": q.event_bookings(search._replace(status="cancelled"), None, 50),
        "event's bookings, export": q.all_event_bookings(search),
        "event of booking": q.booked_by(event_id),
        "hold": q.hold_by_id(event_id),
        "event of hold": q.held_by(event_id),
        "ends of holds": q.hold_ends([event_id, account_id]),
        "entries about a booking": q.entries_about(event_id, ROWS - 10, ROWS),
        "erasure_obstacle": q.erasure_obstacle(account_id, now),
        "guests' event": q.guests_events("shop", event_id=event_id),
        "guests' event, by number": q.guests_events("shop", number=17, only="not_cancelled"),
        "guests' booking": q.guests_bookings("shop", booking_id=event_id),
        "guests' booking, by number": q.guests_bookings("shop", number=17, customer_id=account_id, confirmed_only=True),
        "guests' bookings, event": q.guests_bookings("shop", event_id=event_id, confirmed_only=True),
        "guests' bookings, guest": q.guests_bookings("shop", customer_id=account_id),
        "summary": q.summary(account_id),
        "event totals": q.event_totals(viewer=None, q=None, after=None, limit=50),
        "event totals, organizer": q.event_totals(viewer=account_id, q="x", after=5000, limit=50),
        "event totals, export": q.all_event_totals(account_id, None),
        "sales, event": q.sales(interval=q.Interval.HOUR, **sales | {"event_id": event_id}),
        "sales, range": q.sales(interval=q.Interval.DAY, **sales | {"from_": now, "to": now + timedelta(days=2)}),
        "sales, organizer": q.sales(interval=q.Interval.DAY, **sales | {"viewer": account_id}),
        "changed events": q.changed_events(after=ROWS - 10, limit=500),
        "changes": q.availability_changes(event_ids=None, after=ROWS - 10, limit=500),
        "changes, named": q.availability_changes(event_ids=[event_id], after=None, limit=500),
        "changes, named, since": q.availability_changes(event_ids=[event_id], after=5, limit=500),
        "notifications": q.notifications(**told),
        "notifications, booking": q.notifications(**told | {"booking_id": event_id}),
        "notifications, own booking": q.notifications(**told | {"booking_id": event_id, "viewer": account_id, "after": 500}),
        "notifications, event": q.notifications(**told | {"event_id": event_id, "state": "failed"}),
        "notifications, organizer": q.notifications(**told | {"viewer": account_id, "state": "failed", "after": 5000}),
        "payments": q.payments(**paid),
        "payments, organizer": q.payments(**paid | {"viewer": account_id, "after": 5000}),
        "payments, event": q.payments(**paid | {"event_id": event_id, "state": "refund-due"}),
        "unplaced money": q.unplaced_money(200),
        "payments, export": q.all_payments(viewer=None, event_id=event_id, state=None),
        "movements": q.movements(event_id),
        "postings": q.posting_sums(None, event_id),
        "postings, export": q.all_postings(None, event_id),
        "event's bookings, due": q.event_bookings(search._replace(payment="due"), None, 50),
        "subscriptions": q.subscriptions(),
        "positions": q.positions(),
        "progress": q.progress(),
    }


def plan_of(connection: psycopg.Connection[Any], query: Query[Any]) -> Any:
    """As a prepared statement is planned."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", query.sql)))
    sql = re.sub(r"%\((\w+)\)s", lambda match: f"${1 + names.index(match[1])}", query.sql)
    placeholders = ", ".join(["%s"] * len(names))
    cursor = psycopg.ClientCursor(connection)
    cursor.execute(f"DEALLOCATE ALL; PREPARE planned AS {sql}")
    execute = f"EXPLAIN (FORMAT JSON) EXECUTE planned ({placeholders})" if names else "EXPLAIN (FORMAT JSON) EXECUTE one"
    ((plan,),) = cursor.execute(execute, [query.parameters[name] for name in names])
    return plan[0]["Plan"]


@pytest.mark.parametrize("generic", [False, True])
def test_queries_scan_no_big_table(world: World, generic: bool) -> None:
    with psycopg.connect(world.url, autocommit=True, options="-c random_page_cost=1.1") as connection:
        for statement in FILL.split(";\n")[:-1]:
            connection.execute(statement.replace("%(rows)s", str(ROWS)))
        connection.execute("VACUUM ANALYZE")
        mode = "force_generic_plan" if generic else "force_custom_plan"
        connection.execute(f"SET plan_cache_mode = {mode}")
        (event_id,) = connection.execute("SELECT event_id FROM bookings LIMIT 1").fetchone() or ()
        (account_id,) = (
            connection.execute("SELECT organizer_id FROM booking_events WHERE event_id = %s", (event_id,)).fetchone() or ()
        )
        scanned_by_query = {}
        for name, query in every_query(event_id, account_id).items():
            if generic and query.replan:
                continue
            if scanned := scans(plan_of(connection, query)) & BIG:
                scanned_by_query[name] = scanned
    assert scanned_by_query == {}
