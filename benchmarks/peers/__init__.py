"""The peers: typical implementations of a booking service for the same hot Event, each the best of its kind, one per file.

They get the same requests as Seatledger (path, headers, body), send the same response, run on the same uvicorn with the same
options and gc tuning, and write to the same PostgreSQL with the same durability. They have no log-in, idempotency or projections.
Each has its own database with one table of events and one of bookings. `python -m benchmarks.peers NAME` serves one.
"""

#: `empty` has no database; `plain_reads` reads from Seatledger's database.
READS = "plain_reads"
PEERS = ("empty", "plain_sql", "orm_conditional_update", "orm_for_update")
WITH_DATABASE = PEERS[1:]

#: Tuned for speed: free space in each page of `events`, so that updates are HOT; no index on bookings except the primary key.
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
#: Seats taken and seats booked, which must be equal.
COUNT = "SELECT (SELECT sum(taken) FROM events), (SELECT coalesce(sum(quantity), 0) FROM bookings)"
