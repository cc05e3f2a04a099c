"""The peers: what others would have built for the same hot Event, each the best of its kind, one file each.

They get the same requests as Seatledger (path, headers, body), answer the same body, run on the same uvicorn with the same options
and the same tuned collector, and write to the same PostgreSQL, as durable. What they need not do: log in, idempotency, projections.
Each has a database of its own with the same one table of events and one of bookings. `python -m benchmarks.peers NAME` serves one.
"""

#: From the weakest to the strongest. `empty` has no database; `plain_reads` reads in Seatledger's own.
READS = "plain_reads"
PEERS = ("empty", "plain_sql", "orm_conditional_update", "orm_for_update")
WITH_DATABASE = PEERS[1:]

#: Room for new versions in each page of `events`, so that counting down stays HOT. No index on bookings but their key: strongest.
SCHEMA = """
CREATE TABLE events (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    category text NOT NULL,
    price bigint NOT NULL,
    currency text NOT NULL,
    capacity integer NOT NULL,
    taken integer NOT NULL DEFAULT 0 CHECK (taken BETWEEN 0 AND capacity)
) WITH (fillfactor = 10);
CREATE TABLE bookings (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    quantity integer NOT NULL,
    total bigint NOT NULL,
    booked_at timestamptz NOT NULL DEFAULT now()
);
"""
NEW_EVENT = "INSERT INTO events (id, name, category, price, currency, capacity) VALUES (%s, %s, %s, %s, %s, %s)"
#: Seats taken and seats booked: the same number, whatever happened.
COUNT = "SELECT (SELECT sum(taken) FROM events), (SELECT coalesce(sum(quantity), 0) FROM bookings)"
