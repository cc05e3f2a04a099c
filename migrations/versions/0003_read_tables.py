"""The read tables of the models in projections/ (a test compares the two), empty and at position 0."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE availability_events (
    event_id UUID NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_availability_events PRIMARY KEY (event_id)
);
CREATE INDEX ix_availability_events_position ON availability_events (position);
CREATE TABLE booking_events (
    event_id UUID NOT NULL,
    name TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    currency TEXT NOT NULL,
    organizer_id UUID NOT NULL,
    status TEXT NOT NULL,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_booking_events PRIMARY KEY (event_id),
    CONSTRAINT ck_booking_events_status CHECK (status IN ('active', 'cancelled', 'completed')),
    CONSTRAINT ck_booking_events_cancelled_when CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
);
CREATE INDEX ix_booking_events_organizer_id_status ON booking_events (organizer_id, status);
CREATE TABLE catalogue_events (
    event_id UUID NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    venue TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE,
    timezone TEXT NOT NULL,
    sales_open_at TIMESTAMP WITH TIME ZONE,
    sales_close_at TIMESTAMP WITH TIME ZONE,
    max_tickets_per_customer INTEGER,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    organizer_id UUID NOT NULL,
    details_version BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    search TEXT GENERATED ALWAYS AS (lower(name || E'\\n' || venue)) STORED NOT NULL,
    CONSTRAINT pk_catalogue_events PRIMARY KEY (event_id),
    CONSTRAINT ck_catalogue_events_status CHECK (status IN ('active', 'cancelled', 'completed')),
    CONSTRAINT ck_catalogue_events_ends_after_start CHECK (ends_at > starts_at),
    CONSTRAINT uq_catalogue_events_number UNIQUE (number)
);
CREATE INDEX ix_catalogue_events_organizer_id_starts_at_event_id ON catalogue_events (organizer_id, starts_at, event_id);
CREATE INDEX ix_catalogue_events_search ON catalogue_events USING gin (search gin_trgm_ops);
CREATE INDEX ix_catalogue_events_starts_at ON catalogue_events (starts_at, event_id);
CREATE INDEX ix_catalogue_events_status_starts_at_event_id ON catalogue_events (status, starts_at, event_id);
CREATE TABLE projections (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    position BIGINT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    failed_position BIGINT,
    error TEXT,
    CONSTRAINT pk_projections PRIMARY KEY (name)
);
CREATE TABLE revenue_events (
    event_id UUID NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    currency TEXT NOT NULL,
    organizer_id UUID NOT NULL,
    status TEXT NOT NULL,
    bookings INTEGER NOT NULL,
    cancellations INTEGER NOT NULL,
    CONSTRAINT pk_revenue_events PRIMARY KEY (event_id),
    CONSTRAINT ck_revenue_events_status CHECK (status IN ('active', 'cancelled', 'completed')),
    CONSTRAINT ck_revenue_events_cancellations_within_bookings CHECK (cancellations BETWEEN 0 AND bookings),
    CONSTRAINT uq_revenue_events_number UNIQUE (number)
);
CREATE INDEX ix_revenue_events_organizer_id_number ON revenue_events (organizer_id, number);
CREATE TABLE availability_categories (
    event_id UUID NOT NULL,
    category SMALLINT NOT NULL,
    name TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    available INTEGER GENERATED ALWAYS AS (capacity - taken) STORED NOT NULL,
    CONSTRAINT pk_availability_categories PRIMARY KEY (event_id, category),
    CONSTRAINT ck_availability_categories_taken_not_negative CHECK (taken >= 0),
    CONSTRAINT ck_availability_categories_never_oversold CHECK (available >= 0),
    CONSTRAINT fk_availability_categories_availability_events FOREIGN KEY(event_id) REFERENCES availability_events (event_id) ON DELETE CASCADE
);
CREATE TABLE bookings (
    booking_id UUID NOT NULL,
    number BIGINT NOT NULL,
    event_id UUID NOT NULL,
    version BIGINT NOT NULL,
    ticket_key SMALLINT NOT NULL,
    customer_id UUID,
    status TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    total BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_bookings PRIMARY KEY (booking_id),
    CONSTRAINT ck_bookings_status CHECK (status IN ('confirmed', 'cancelled')),
    CONSTRAINT ck_bookings_quantity_positive CHECK (quantity > 0),
    CONSTRAINT ck_bookings_refunded_within_total CHECK (refunded BETWEEN 0 AND total),
    CONSTRAINT uq_bookings_number UNIQUE (number),
    CONSTRAINT fk_bookings_booking_events FOREIGN KEY(event_id) REFERENCES booking_events (event_id) ON DELETE CASCADE
);
CREATE INDEX ix_bookings_customer_id_number ON bookings (customer_id, number);
CREATE INDEX ix_bookings_event_id_number ON bookings (event_id, number);
CREATE TABLE catalogue_categories (
    event_id UUID NOT NULL,
    category SMALLINT NOT NULL,
    name TEXT NOT NULL,
    price BIGINT NOT NULL,
    CONSTRAINT pk_catalogue_categories PRIMARY KEY (event_id, category),
    CONSTRAINT ck_catalogue_categories_price_not_negative CHECK (price >= 0),
    CONSTRAINT fk_catalogue_categories_catalogue_events FOREIGN KEY(event_id) REFERENCES catalogue_events (event_id) ON DELETE CASCADE
);
CREATE TABLE revenue_categories (
    event_id UUID NOT NULL,
    category SMALLINT NOT NULL,
    name TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    gross BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    CONSTRAINT pk_revenue_categories PRIMARY KEY (event_id, category),
    CONSTRAINT ck_revenue_categories_taken_within_capacity CHECK (taken BETWEEN 0 AND capacity),
    CONSTRAINT ck_revenue_categories_refunded_within_gross CHECK (refunded BETWEEN 0 AND gross),
    CONSTRAINT fk_revenue_categories_revenue_events FOREIGN KEY(event_id) REFERENCES revenue_events (event_id) ON DELETE CASCADE
);
CREATE TABLE revenue_hours (
    event_id UUID NOT NULL,
    hour TIMESTAMP WITH TIME ZONE NOT NULL,
    bookings INTEGER NOT NULL,
    cancellations INTEGER NOT NULL,
    tickets INTEGER NOT NULL,
    tickets_cancelled INTEGER NOT NULL,
    gross BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    CONSTRAINT pk_revenue_hours PRIMARY KEY (event_id, hour),
    CONSTRAINT ck_revenue_hours_not_negative CHECK (gross >= 0 AND refunded >= 0 AND bookings >= 0 AND cancellations >= 0),
    CONSTRAINT ck_revenue_hours_tickets_not_negative CHECK (tickets >= 0 AND tickets_cancelled >= 0),
    CONSTRAINT fk_revenue_hours_revenue_events FOREIGN KEY(event_id) REFERENCES revenue_events (event_id) ON DELETE CASCADE
);
CREATE INDEX ix_revenue_hours_hour ON revenue_hours (hour);
CREATE TABLE tickets (
    booking_id UUID NOT NULL,
    ticket SMALLINT NOT NULL,
    category SMALLINT NOT NULL,
    category_name TEXT NOT NULL,
    price BIGINT NOT NULL,
    status TEXT NOT NULL,
    CONSTRAINT pk_tickets PRIMARY KEY (booking_id, ticket),
    CONSTRAINT ck_tickets_status CHECK (status IN ('active', 'used', 'cancelled')),
    CONSTRAINT ck_tickets_price_not_negative CHECK (price >= 0),
    CONSTRAINT ck_tickets_ticket_not_negative CHECK (ticket >= 0),
    CONSTRAINT fk_tickets_bookings FOREIGN KEY(booking_id) REFERENCES bookings (booking_id) ON DELETE CASCADE
);

INSERT INTO projections (name, version, position, updated_at)
VALUES ('catalogue', 1, 0, now()), ('availability', 1, 0, now()), ('bookings', 1, 0, now()), ('revenue', 1, 0, now()),
    ('snapshots', 1, 0, now());
"""

DOWN = """
DROP TABLE tickets;
DROP TABLE revenue_hours;
DROP TABLE revenue_categories;
DROP TABLE catalogue_categories;
DROP TABLE bookings;
DROP TABLE availability_categories;
DROP TABLE revenue_events;
DROP TABLE projections;
DROP TABLE catalogue_events;
DROP TABLE booking_events;
DROP TABLE availability_events;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
