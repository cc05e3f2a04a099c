-- The whole schema, as the migrations make it. Made by `make sql`: not edited by hand, nor loaded by anything. What each table is
-- for stands beside its columns in the code (accounts/tables.py, ledger/outbox.py, projections/); how it came to be, in
-- migrations/versions/.

--
-- PostgreSQL database dump
--

--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

--
-- Name: EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

--
-- Name: stored_event_uuid; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.stored_event_uuid AS (
	originator_id uuid,
	originator_version bigint,
	topic text,
	state bytea
);

--
-- Name: acting_role(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.acting_role() RETURNS name
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT coalesce(nullif(current_setting('role'), 'none'), session_user)::name
$$;

--
-- Name: ledger_append(uuid[], bigint[], text[], bytea[], bytea[], uuid[], bytea[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ledger_append(streams uuid[], versions bigint[], topics text[], states bytea[], macs bytea[] DEFAULT NULL::bytea[], known_streams uuid[] DEFAULT NULL::uuid[], known_macs bytea[] DEFAULT NULL::bytea[]) RETURNS SETOF bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE outdated uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(6009316430458479719);
    SELECT run.stream INTO outdated
    FROM (
        SELECT one.stream, min(one.version) AS first, max(one.version) - min(one.version) + 1 = count(*) AS is_dense
        FROM unnest(streams, versions) AS one (stream, version) GROUP BY one.stream
    ) AS run LEFT JOIN unnest(known_streams, known_macs) AS known (stream, mac) ON known.stream = run.stream
    WHERE NOT run.is_dense OR run.first > 1 AND (
        SELECT known.mac IS NULL OR known.mac = coalesce(entry.mac, '') FROM ledger_entries AS entry
        WHERE entry.originator_id = run.stream AND entry.originator_version = run.first - 1
    ) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RAISE unique_violation USING MESSAGE = 'stream ' || outdated || ' does not end with the entry that this append follows';
    END IF;
    RETURN QUERY
        INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac)
        SELECT run.stream, run.version, run.topic, run.state, run.mac
        FROM unnest(streams, versions, topics, states, macs) WITH ORDINALITY AS run (stream, version, topic, state, mac, place)
        ORDER BY place
        RETURNING notification_id;
END $$;

--
-- Name: ledger_is_append_only(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ledger_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP;
END $$;

--
-- Name: ledger_lock_and_read(uuid[], bigint[], integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ledger_lock_and_read(streams uuid[], versions bigint[], most integer) RETURNS TABLE(stream uuid, version bigint, topic text, state bytea, mac bytea, "position" bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(6009316430458479719);
    RETURN QUERY
        SELECT known.stream, later.* FROM unnest(streams, versions) AS known (stream, version), LATERAL (
            SELECT entry.originator_version, entry.topic, entry.state, entry.mac, entry.notification_id FROM ledger_entries AS entry
            WHERE entry.originator_id = known.stream AND entry.originator_version >= known.version
            ORDER BY entry.originator_version LIMIT most) AS later;
END $$;

--
-- Name: ledger_look(uuid[], bigint[], integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ledger_look(streams uuid[], versions bigint[], most integer) RETURNS TABLE(stream uuid, version bigint, topic text, state bytea, "position" bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(6009316430458479719);
    RETURN QUERY
        SELECT known.stream, missed.* FROM unnest(streams, versions) AS known (stream, version), LATERAL (
            SELECT entry.originator_version, entry.topic, entry.state, entry.notification_id FROM ledger_entries AS entry
            WHERE entry.originator_id = known.stream AND entry.originator_version > known.version
            ORDER BY entry.originator_version LIMIT most) AS missed;
END $$;

--
-- Name: ledger_read(bytea); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ledger_read(state bytea, OUT body json, OUT at timestamp with time zone, OUT actor uuid, OUT command uuid) RETURNS record
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    body := convert_from(state, 'UTF8')::json;
    at := (body ->> 'at')::timestamptz;
    actor := (body ->> 'actor')::uuid;
    command := (body ->> 'command')::uuid;
EXCEPTION WHEN data_exception THEN
    body := json_build_object('unreadable', encode(state, 'base64'));
    at := NULL;
    actor := NULL;
    command := NULL;
END $$;

--
-- Name: shadow_schema(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.shadow_schema(name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
BEGIN
    IF name !~ '^(rebuild|verification)_[a-z_]+$' THEN
        RAISE insufficient_privilege USING MESSAGE = 'no schema of shadow copies: ' || name;
    END IF;
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', name);
    EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', name, acting_role());
END $_$;

--
-- Name: swap_read_tables(text, text[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.swap_read_tables(from_schema text, names text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE name text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE invalid_transaction_state USING MESSAGE = 'read tables are swapped in a transaction that is READ COMMITTED';
    END IF;
    FOR look IN 1..2 LOOP
        IF from_schema !~ '^rebuild_[a-z_]+$' OR EXISTS (
            SELECT FROM unnest(names) AS swapped (name), unnest(ARRAY['public', from_schema]) AS of_schema (schema)
            WHERE NOT EXISTS (
                SELECT FROM pg_class WHERE relname = swapped.name AND relnamespace = to_regnamespace(schema) AND relkind = 'r'
                    AND relname NOT LIKE 'ledger\_%' AND pg_has_role(acting_role(), relowner, 'USAGE'))
        ) THEN
            RAISE insufficient_privilege USING MESSAGE = 'these are no read tables of ' || acting_role();
        END IF;
        IF look = 1 THEN
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', (
                SELECT string_agg(format('ONLY %I.%I', schema, swapped.name), ', ' ORDER BY place, swapped.name)
                FROM unnest(names) AS swapped (name), unnest(ARRAY['public', from_schema]) WITH ORDINALITY AS of_schema (schema, place)));
        END IF;
    END LOOP;
    EXECUTE 'DROP TABLE ' || (SELECT string_agg(format('public.%I', swapped.name), ', ') FROM unnest(names) AS swapped (name));
    FOREACH name IN ARRAY names LOOP
        EXECUTE format('ALTER TABLE %I.%I SET SCHEMA public', from_schema, name);
    END LOOP;
END $_$;

--
-- Name: account_commands; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account_commands (
    command_id uuid NOT NULL,
    account_id uuid NOT NULL,
    digest bytea NOT NULL,
    answer jsonb NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: account_trail; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account_trail (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    action text NOT NULL,
    account_id uuid,
    actor_id uuid,
    network text,
    role_before text,
    role_after text,
    count integer
);

--
-- Name: account_trail_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.account_trail ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.account_trail_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: accounts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.accounts (
    id uuid NOT NULL,
    name text NOT NULL,
    email text,
    phone text,
    role text NOT NULL,
    password_hash text,
    disabled boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    access_changed_at timestamp with time zone,
    email_proven_at timestamp with time zone,
    contact_email text,
    contact_of uuid,
    guest_of uuid,
    claimed_by uuid,
    CONSTRAINT ck_accounts_role CHECK ((role = ANY (ARRAY['customer'::text, 'organizer'::text, 'auditor'::text, 'admin'::text])))
);

--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

--
-- Name: announcements; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.announcements (
    id uuid NOT NULL,
    number bigint NOT NULL,
    event_id uuid NOT NULL,
    sender_id uuid NOT NULL,
    audience text NOT NULL,
    category integer,
    subject text NOT NULL,
    text text NOT NULL,
    has_reply_to boolean NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    written_at timestamp with time zone,
    recipients integer,
    CONSTRAINT ck_announcements_audience CHECK ((audience = ANY (ARRAY['all'::text, 'checked-in'::text, 'not-checked-in'::text, 'myself'::text]))),
    CONSTRAINT ck_announcements_written CHECK (((written_at IS NULL) = (recipients IS NULL)))
);

--
-- Name: announcements_number_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.announcements ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.announcements_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: audit_amendments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_amendments (
    subject uuid NOT NULL,
    version bigint NOT NULL
);

--
-- Name: audit_checkpoints; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_checkpoints (
    origin text NOT NULL,
    size bigint NOT NULL,
    note text NOT NULL,
    CONSTRAINT ck_audit_checkpoints_size_positive CHECK ((size > 0))
);

--
-- Name: audit_leaves; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_leaves (
    tile bigint NOT NULL,
    first_position bigint NOT NULL,
    positions bytea NOT NULL,
    latest timestamp with time zone NOT NULL,
    CONSTRAINT ck_audit_leaves_positions CHECK ((((octet_length(positions) % 8) = 0) AND ((octet_length(positions) >= 8) AND (octet_length(positions) <= 2048))))
);
ALTER TABLE ONLY public.audit_leaves ALTER COLUMN positions SET STORAGE PLAIN;

--
-- Name: audit_signing; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_signing (
    one smallint NOT NULL,
    origin text NOT NULL,
    state text NOT NULL,
    detail text,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_audit_signing_one CHECK ((one = 1)),
    CONSTRAINT ck_audit_signing_state CHECK ((state = ANY (ARRAY['signing'::text, 'forgotten'::text, 'inconsistent'::text])))
);

--
-- Name: audit_tiles; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_tiles (
    level smallint NOT NULL,
    tile bigint NOT NULL,
    hashes bytea NOT NULL,
    CONSTRAINT ck_audit_tiles_hashes CHECK ((((octet_length(hashes) % 32) = 0) AND ((octet_length(hashes) >= 32) AND (octet_length(hashes) <= 8192))))
);
ALTER TABLE ONLY public.audit_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

--
-- Name: availability_categories; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.availability_categories (
    event_id uuid NOT NULL,
    category smallint NOT NULL,
    name text NOT NULL,
    capacity integer NOT NULL,
    taken integer NOT NULL,
    held integer DEFAULT 0 NOT NULL,
    available integer GENERATED ALWAYS AS (((capacity - taken) - held)) STORED NOT NULL,
    pool smallint,
    CONSTRAINT ck_availability_categories_held_not_negative CHECK ((held >= 0)),
    CONSTRAINT ck_availability_categories_never_oversold CHECK ((available >= 0)),
    CONSTRAINT ck_availability_categories_taken_not_negative CHECK ((taken >= 0))
);

--
-- Name: availability_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.availability_events (
    event_id uuid NOT NULL,
    "position" bigint NOT NULL,
    is_open boolean DEFAULT true NOT NULL
);

--
-- Name: availability_pools; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.availability_pools (
    event_id uuid NOT NULL,
    pool smallint NOT NULL,
    name text NOT NULL,
    capacity integer NOT NULL,
    taken integer NOT NULL,
    held integer NOT NULL,
    available integer GENERATED ALWAYS AS (((capacity - taken) - held)) STORED NOT NULL,
    CONSTRAINT ck_availability_pools_never_oversold CHECK ((available >= 0))
);

--
-- Name: booking_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.booking_events (
    event_id uuid NOT NULL,
    name text NOT NULL,
    starts_at timestamp with time zone,
    currency text NOT NULL,
    organizer_id uuid NOT NULL,
    status text NOT NULL,
    cancelled_at timestamp with time zone,
    past_at timestamp with time zone,
    CONSTRAINT ck_booking_events_cancelled_when CHECK (((status = 'cancelled'::text) = (cancelled_at IS NOT NULL))),
    CONSTRAINT ck_booking_events_status CHECK ((status = ANY (ARRAY['active'::text, 'cancelled'::text, 'completed'::text])))
);

--
-- Name: bookings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.bookings (
    booking_id uuid NOT NULL,
    number bigint NOT NULL,
    event_id uuid NOT NULL,
    version bigint NOT NULL,
    ticket_key smallint NOT NULL,
    customer_id uuid,
    status text NOT NULL,
    quantity integer NOT NULL,
    total bigint NOT NULL,
    refunded bigint NOT NULL,
    booked_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    to_pay bigint,
    received bigint DEFAULT 0 NOT NULL,
    paid_back bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ck_bookings_paid_back_within_received CHECK (((paid_back >= 0) AND (paid_back <= received))),
    CONSTRAINT ck_bookings_quantity_positive CHECK ((quantity > 0)),
    CONSTRAINT ck_bookings_refunded_within_total CHECK (((refunded >= 0) AND (refunded <= total))),
    CONSTRAINT ck_bookings_status CHECK ((status = ANY (ARRAY['confirmed'::text, 'cancelled'::text]))),
    CONSTRAINT ck_bookings_to_pay_within_total CHECK (((to_pay >= 0) AND (to_pay <= total)))
);

--
-- Name: catalogue_categories; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.catalogue_categories (
    event_id uuid NOT NULL,
    category smallint NOT NULL,
    name text NOT NULL,
    price bigint NOT NULL,
    CONSTRAINT ck_catalogue_categories_price_not_negative CHECK ((price >= 0))
);

--
-- Name: catalogue_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.catalogue_events (
    event_id uuid NOT NULL,
    number bigint NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    venue text NOT NULL,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    timezone text NOT NULL,
    sales_open_at timestamp with time zone,
    sales_close_at timestamp with time zone,
    max_tickets_per_customer integer,
    currency text NOT NULL,
    status text NOT NULL,
    organizer_id uuid NOT NULL,
    details_version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    search text GENERATED ALWAYS AS (lower(((name || '
'::text) || venue))) STORED NOT NULL,
    "position" bigint NOT NULL,
    past_at timestamp with time zone,
    show_at timestamp with time zone,
    guest_checkout text DEFAULT 'off'::text NOT NULL,
    hold_minutes integer DEFAULT 15 NOT NULL,
    codes text,
    payment_methods text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT ck_catalogue_events_ends_after_start CHECK ((ends_at > starts_at)),
    CONSTRAINT ck_catalogue_events_status CHECK ((status = ANY (ARRAY['active'::text, 'cancelled'::text, 'completed'::text])))
);

--
-- Name: code_batches; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.code_batches (
    event_id uuid NOT NULL,
    batch smallint NOT NULL,
    effect text NOT NULL,
    value bigint NOT NULL,
    count integer NOT NULL,
    max_tickets integer NOT NULL,
    categories smallint[] NOT NULL,
    valid_from timestamp with time zone,
    valid_until timestamp with time zone,
    prefix text NOT NULL,
    word text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone,
    held integer NOT NULL,
    booked integer NOT NULL,
    cancelled integer NOT NULL,
    discount bigint NOT NULL,
    gross bigint NOT NULL,
    refunded bigint NOT NULL,
    CONSTRAINT ck_code_batches_cancelled_within_booked CHECK (((cancelled >= 0) AND (cancelled <= booked))),
    CONSTRAINT ck_code_batches_held_not_negative CHECK ((held >= 0)),
    CONSTRAINT ck_code_batches_never_overused CHECK ((((booked - cancelled) + held) <= ((count)::bigint * max_tickets))),
    CONSTRAINT ck_code_batches_refunded_within_gross CHECK (((refunded >= 0) AND (refunded <= gross)))
);

--
-- Name: code_holds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.code_holds (
    hold_id uuid NOT NULL,
    event_id uuid NOT NULL,
    batch smallint NOT NULL,
    tickets integer NOT NULL
);

--
-- Name: contact_codes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.contact_codes (
    id uuid NOT NULL,
    email text NOT NULL,
    browser_hash bytea NOT NULL,
    issue integer NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

--
-- Name: demo_payments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.demo_payments (
    payment_id uuid NOT NULL,
    event_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    description text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    paid_at timestamp with time zone,
    takes_refunds boolean NOT NULL,
    CONSTRAINT ck_demo_payments_state CHECK ((state = ANY (ARRAY['open'::text, 'declined'::text, 'paid'::text])))
);

--
-- Name: demo_refunds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.demo_refunds (
    refund_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    amount bigint NOT NULL,
    paid_at timestamp with time zone NOT NULL
);

--
-- Name: former_addresses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.former_addresses (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    email text NOT NULL,
    replaced_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: guest_tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.guest_tokens (
    token_hash bytea NOT NULL,
    guest_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: guests; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.guests (
    id uuid NOT NULL,
    number bigint NOT NULL,
    api text NOT NULL,
    handle text,
    name text NOT NULL,
    email text,
    phone text,
    role text,
    password_hash text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_at timestamp with time zone,
    CONSTRAINT ck_guests_role CHECK ((role = ANY (ARRAY['customer'::text, 'admin'::text])))
);

--
-- Name: guests_number_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.guests ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.guests_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: hold_lines; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.hold_lines (
    hold_id uuid NOT NULL,
    category smallint NOT NULL,
    name text NOT NULL,
    quantity integer NOT NULL,
    unit_price bigint NOT NULL,
    amount bigint,
    CONSTRAINT ck_hold_lines_quantity_positive CHECK ((quantity > 0))
);

--
-- Name: holds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.holds (
    hold_id uuid NOT NULL,
    event_id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid,
    held_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    extensions integer NOT NULL,
    status text NOT NULL,
    ended_at timestamp with time zone,
    payment_id uuid,
    payment_method text,
    payable_until timestamp with time zone,
    CONSTRAINT ck_holds_ended_when CHECK (((status = 'open'::text) = (ended_at IS NULL))),
    CONSTRAINT ck_holds_payment_is_whole CHECK ((num_nulls(payment_id, payment_method, payable_until) = ANY (ARRAY[0, 3]))),
    CONSTRAINT ck_holds_status CHECK ((status = ANY (ARRAY['open'::text, 'confirmed'::text, 'released'::text, 'lapsed'::text])))
);

--
-- Name: ledger_entries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_entries (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint NOT NULL,
    mac bytea,
    CONSTRAINT ledger_entries_originator_version_check CHECK ((originator_version > 0))
)
WITH (autovacuum_vacuum_insert_scale_factor='0.05', autovacuum_analyze_scale_factor='0.02');

--
-- Name: ledger_entries_notification_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ledger_entries_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: ledger_entries_notification_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ledger_entries_notification_id_seq OWNED BY public.ledger_entries.notification_id;

--
-- Name: ledger_snapshots; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_snapshots (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    mac bytea,
    CONSTRAINT ledger_snapshots_originator_version_check CHECK ((originator_version > 0))
);

--
-- Name: mail_bounces; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mail_bounces (
    account_id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    reply text NOT NULL
);

--
-- Name: mail_counts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mail_counts (
    address bytea NOT NULL,
    hour timestamp with time zone NOT NULL,
    count integer NOT NULL
);

--
-- Name: mail_opt_outs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mail_opt_outs (
    account_id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: mailbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailbox (
    id uuid NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    content bytea NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL
);

--
-- Name: mailed_tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mailed_tokens (
    id uuid NOT NULL,
    purpose text NOT NULL,
    account_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT ck_mailed_tokens_purpose CHECK ((purpose = ANY (ARRAY['reset-password'::text, 'sign-in'::text, 'verify-email'::text])))
);

--
-- Name: manage_links; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.manage_links (
    booking_id uuid NOT NULL,
    issue integer NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: money_movements; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.money_movements (
    "position" bigint NOT NULL,
    event_id uuid NOT NULL,
    booking_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    kind text NOT NULL,
    amount bigint NOT NULL,
    method text NOT NULL,
    reference text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    actor uuid,
    CONSTRAINT ck_money_movements_amount_positive CHECK ((amount > 0)),
    CONSTRAINT ck_money_movements_kind CHECK ((kind = ANY (ARRAY['started'::text, 'received'::text, 'owed'::text, 'paid-back'::text, 'failed'::text])))
);

--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    id uuid NOT NULL,
    number bigint NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL,
    recipient_id uuid NOT NULL,
    event_id uuid,
    booking_id uuid,
    "position" bigint,
    details jsonb NOT NULL,
    state text DEFAULT 'due'::text NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    error text,
    priority smallint DEFAULT 0 NOT NULL,
    CONSTRAINT ck_outbox_state CHECK ((state = ANY (ARRAY['due'::text, 'sent'::text, 'failed'::text, 'skipped'::text, 'held'::text])))
);

--
-- Name: outbox_number_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.outbox ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: payments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.payments (
    payment_id uuid NOT NULL,
    "position" bigint NOT NULL,
    event_id uuid NOT NULL,
    booking_id uuid NOT NULL,
    method text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    reference text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    owed bigint NOT NULL,
    paid_back bigint NOT NULL,
    failure text DEFAULT ''::text NOT NULL,
    CONSTRAINT ck_payments_owed_within_amount CHECK (((owed >= 0) AND (owed <= amount))),
    CONSTRAINT ck_payments_paid_back_within_owed CHECK (((paid_back >= 0) AND (paid_back <= owed)))
);

--
-- Name: posting_balances; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.posting_balances (
    event_id uuid NOT NULL,
    account text NOT NULL,
    method text NOT NULL,
    amount bigint NOT NULL
);

--
-- Name: postings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.postings (
    "position" bigint NOT NULL,
    line smallint NOT NULL,
    event_id uuid NOT NULL,
    booking_id uuid,
    account text NOT NULL,
    method text NOT NULL,
    amount bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT ck_postings_account CHECK ((account = ANY (ARRAY['receivable'::text, 'cash'::text, 'deferred-revenue'::text, 'revenue'::text, 'refunds-payable'::text]))),
    CONSTRAINT ck_postings_amount_not_0 CHECK ((amount <> 0))
);

--
-- Name: projection_digests; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.projection_digests (
    name text NOT NULL,
    version integer NOT NULL,
    "position" bigint NOT NULL,
    rows text NOT NULL
);

--
-- Name: projections; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.projections (
    name text NOT NULL,
    version integer NOT NULL,
    "position" bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    failed_position bigint,
    error text,
    rebuilds bigint DEFAULT 0 NOT NULL
);

--
-- Name: rebuilds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.rebuilds (
    name text NOT NULL,
    started_from bigint NOT NULL,
    "position" bigint NOT NULL,
    target bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

--
-- Name: recovery_codes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.recovery_codes (
    account_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    used_at timestamp with time zone
);

--
-- Name: refunds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.refunds (
    refund_id uuid NOT NULL,
    event_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    amount bigint NOT NULL,
    paid bigint NOT NULL,
    failure text NOT NULL,
    CONSTRAINT ck_refunds_paid_within_amount CHECK (((paid >= 0) AND (paid <= amount)))
);

--
-- Name: reminded_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reminded_events (
    event_id uuid NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    reminded_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: revenue_categories; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.revenue_categories (
    event_id uuid NOT NULL,
    category smallint NOT NULL,
    name text NOT NULL,
    capacity integer NOT NULL,
    taken integer NOT NULL,
    gross bigint NOT NULL,
    refunded bigint NOT NULL,
    CONSTRAINT ck_revenue_categories_refunded_within_gross CHECK (((refunded >= 0) AND (refunded <= gross))),
    CONSTRAINT ck_revenue_categories_taken_within_capacity CHECK (((taken >= 0) AND (taken <= capacity)))
);

--
-- Name: revenue_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.revenue_events (
    event_id uuid NOT NULL,
    number bigint NOT NULL,
    name text NOT NULL,
    starts_at timestamp with time zone,
    currency text NOT NULL,
    organizer_id uuid NOT NULL,
    status text NOT NULL,
    bookings integer NOT NULL,
    cancellations integer NOT NULL,
    pools text,
    beyond_pools integer DEFAULT 0 NOT NULL,
    received bigint DEFAULT 0 NOT NULL,
    paid_back bigint DEFAULT 0 NOT NULL,
    due bigint DEFAULT 0 NOT NULL,
    refund_due bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ck_revenue_events_cancellations_within_bookings CHECK (((cancellations >= 0) AND (cancellations <= bookings))),
    CONSTRAINT ck_revenue_events_status CHECK ((status = ANY (ARRAY['active'::text, 'cancelled'::text, 'completed'::text])))
);

--
-- Name: revenue_hours; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.revenue_hours (
    event_id uuid NOT NULL,
    hour timestamp with time zone NOT NULL,
    bookings integer NOT NULL,
    cancellations integer NOT NULL,
    tickets integer NOT NULL,
    tickets_cancelled integer NOT NULL,
    gross bigint NOT NULL,
    refunded bigint NOT NULL,
    CONSTRAINT ck_revenue_hours_not_negative CHECK (((gross >= 0) AND (refunded >= 0) AND (bookings >= 0) AND (cancellations >= 0))),
    CONSTRAINT ck_revenue_hours_tickets_not_negative CHECK (((tickets >= 0) AND (tickets_cancelled >= 0)))
);

--
-- Name: second_factors; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.second_factors (
    account_id uuid NOT NULL,
    secret bytea NOT NULL,
    confirmed_at timestamp with time zone,
    last_step bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: set_aside; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.set_aside (
    name text NOT NULL,
    event_id uuid NOT NULL,
    version bigint NOT NULL,
    "position" bigint NOT NULL,
    error text NOT NULL,
    set_aside_at timestamp with time zone NOT NULL
);

--
-- Name: started_payments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.started_payments (
    payment_id uuid NOT NULL,
    event_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    customer_id uuid,
    method text NOT NULL,
    amount bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    payable_until timestamp with time zone NOT NULL,
    is_received boolean NOT NULL
);

--
-- Name: stripe_payments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stripe_payments (
    payment_id uuid NOT NULL,
    intent_id text NOT NULL,
    payable_until timestamp with time zone NOT NULL
);

--
-- Name: subscriptions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.subscriptions (
    name text NOT NULL,
    "position" bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    failed_position bigint,
    error text
);

--
-- Name: tickets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tickets (
    booking_id uuid NOT NULL,
    ticket smallint NOT NULL,
    category smallint NOT NULL,
    category_name text NOT NULL,
    price bigint NOT NULL,
    status text NOT NULL,
    list_price bigint,
    CONSTRAINT ck_tickets_price_not_negative CHECK ((price >= 0)),
    CONSTRAINT ck_tickets_status CHECK ((status = ANY (ARRAY['active'::text, 'used'::text, 'cancelled'::text]))),
    CONSTRAINT ck_tickets_ticket_not_negative CHECK ((ticket >= 0))
);

--
-- Name: tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tokens (
    token_hash bytea NOT NULL,
    account_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    authenticated_at timestamp with time zone,
    last_seen_at timestamp with time zone,
    network text,
    client text
);

--
-- Name: unplaced_money; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.unplaced_money (
    method text NOT NULL,
    object text NOT NULL,
    payment_id uuid,
    amount bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    noted_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: verifications; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.verifications (
    finished_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone NOT NULL,
    "position" bigint NOT NULL,
    entries bigint NOT NULL,
    finding text
);

--
-- Name: webhook_deliveries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhook_deliveries (
    id uuid NOT NULL,
    number bigint NOT NULL,
    webhook_id uuid NOT NULL,
    type text NOT NULL,
    "position" bigint,
    body text NOT NULL,
    state text DEFAULT 'due'::text NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    tried_at timestamp with time zone,
    settled_at timestamp with time zone,
    status integer,
    milliseconds integer,
    error text,
    CONSTRAINT ck_webhook_deliveries_state CHECK ((state = ANY (ARRAY['due'::text, 'sent'::text, 'failed'::text, 'skipped'::text, 'held'::text])))
);

--
-- Name: webhook_deliveries_number_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.webhook_deliveries ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhook_deliveries_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: webhooks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhooks (
    id uuid NOT NULL,
    owner_id uuid NOT NULL,
    event_id uuid,
    url text NOT NULL,
    types text[] NOT NULL,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_until timestamp with time zone,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    begins_after bigint NOT NULL,
    last_position bigint,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    taken_until timestamp with time zone,
    served_at timestamp with time zone,
    replay_from bigint,
    replay_until bigint,
    replay_previous bigint,
    CONSTRAINT ck_webhooks_state CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'paused-by-failures'::text, 'deleted'::text])))
);

--
-- Name: ledger_entries notification_id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries ALTER COLUMN notification_id SET DEFAULT nextval('public.ledger_entries_notification_id_seq'::regclass);

--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

--
-- Name: ledger_entries ledger_entries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (originator_id, originator_version);

--
-- Name: ledger_snapshots ledger_snapshots_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_snapshots
    ADD CONSTRAINT ledger_snapshots_pkey PRIMARY KEY (originator_id, originator_version);

--
-- Name: account_commands pk_account_commands; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_commands
    ADD CONSTRAINT pk_account_commands PRIMARY KEY (command_id);

--
-- Name: account_trail pk_account_trail; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_trail
    ADD CONSTRAINT pk_account_trail PRIMARY KEY (id);

--
-- Name: accounts pk_accounts; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT pk_accounts PRIMARY KEY (id);

--
-- Name: announcements pk_announcements; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT pk_announcements PRIMARY KEY (id);

--
-- Name: audit_amendments pk_audit_amendments; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_amendments
    ADD CONSTRAINT pk_audit_amendments PRIMARY KEY (subject, version);

--
-- Name: audit_checkpoints pk_audit_checkpoints; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_checkpoints
    ADD CONSTRAINT pk_audit_checkpoints PRIMARY KEY (origin, size);

--
-- Name: audit_leaves pk_audit_leaves; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_leaves
    ADD CONSTRAINT pk_audit_leaves PRIMARY KEY (tile);

--
-- Name: audit_signing pk_audit_signing; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_signing
    ADD CONSTRAINT pk_audit_signing PRIMARY KEY (one);

--
-- Name: audit_tiles pk_audit_tiles; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_tiles
    ADD CONSTRAINT pk_audit_tiles PRIMARY KEY (level, tile);

--
-- Name: availability_categories pk_availability_categories; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.availability_categories
    ADD CONSTRAINT pk_availability_categories PRIMARY KEY (event_id, category);

--
-- Name: availability_events pk_availability_events; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.availability_events
    ADD CONSTRAINT pk_availability_events PRIMARY KEY (event_id);

--
-- Name: availability_pools pk_availability_pools; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.availability_pools
    ADD CONSTRAINT pk_availability_pools PRIMARY KEY (event_id, pool);

--
-- Name: booking_events pk_booking_events; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.booking_events
    ADD CONSTRAINT pk_booking_events PRIMARY KEY (event_id);

--
-- Name: bookings pk_bookings; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT pk_bookings PRIMARY KEY (booking_id);

--
-- Name: catalogue_categories pk_catalogue_categories; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.catalogue_categories
    ADD CONSTRAINT pk_catalogue_categories PRIMARY KEY (event_id, category);

--
-- Name: catalogue_events pk_catalogue_events; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.catalogue_events
    ADD CONSTRAINT pk_catalogue_events PRIMARY KEY (event_id);

--
-- Name: code_batches pk_code_batches; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.code_batches
    ADD CONSTRAINT pk_code_batches PRIMARY KEY (event_id, batch);

--
-- Name: code_holds pk_code_holds; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.code_holds
    ADD CONSTRAINT pk_code_holds PRIMARY KEY (hold_id);

--
-- Name: contact_codes pk_contact_codes; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.contact_codes
    ADD CONSTRAINT pk_contact_codes PRIMARY KEY (id);

--
-- Name: demo_payments pk_demo_payments; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.demo_payments
    ADD CONSTRAINT pk_demo_payments PRIMARY KEY (payment_id);

--
-- Name: demo_refunds pk_demo_refunds; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.demo_refunds
    ADD CONSTRAINT pk_demo_refunds PRIMARY KEY (refund_id);

--
-- Name: former_addresses pk_former_addresses; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.former_addresses
    ADD CONSTRAINT pk_former_addresses PRIMARY KEY (id);

--
-- Name: guest_tokens pk_guest_tokens; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.guest_tokens
    ADD CONSTRAINT pk_guest_tokens PRIMARY KEY (token_hash);

--
-- Name: guests pk_guests; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.guests
    ADD CONSTRAINT pk_guests PRIMARY KEY (id);

--
-- Name: hold_lines pk_hold_lines; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hold_lines
    ADD CONSTRAINT pk_hold_lines PRIMARY KEY (hold_id, category);

--
-- Name: holds pk_holds; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT pk_holds PRIMARY KEY (hold_id);

--
-- Name: mail_bounces pk_mail_bounces; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mail_bounces
    ADD CONSTRAINT pk_mail_bounces PRIMARY KEY (account_id);

--
-- Name: mail_counts pk_mail_counts; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mail_counts
    ADD CONSTRAINT pk_mail_counts PRIMARY KEY (address, hour);

--
-- Name: mail_opt_outs pk_mail_opt_outs; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mail_opt_outs
    ADD CONSTRAINT pk_mail_opt_outs PRIMARY KEY (account_id);

--
-- Name: mailbox pk_mailbox; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailbox
    ADD CONSTRAINT pk_mailbox PRIMARY KEY (id);

--
-- Name: mailed_tokens pk_mailed_tokens; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mailed_tokens
    ADD CONSTRAINT pk_mailed_tokens PRIMARY KEY (id);

--
-- Name: manage_links pk_manage_links; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.manage_links
    ADD CONSTRAINT pk_manage_links PRIMARY KEY (booking_id);

--
-- Name: money_movements pk_money_movements; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.money_movements
    ADD CONSTRAINT pk_money_movements PRIMARY KEY ("position");

--
-- Name: outbox pk_outbox; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);

--
-- Name: payments pk_payments; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT pk_payments PRIMARY KEY (payment_id);

--
-- Name: posting_balances pk_posting_balances; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.posting_balances
    ADD CONSTRAINT pk_posting_balances PRIMARY KEY (event_id, account, method);

--
-- Name: postings pk_postings; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.postings
    ADD CONSTRAINT pk_postings PRIMARY KEY ("position", line);

--
-- Name: projection_digests pk_projection_digests; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.projection_digests
    ADD CONSTRAINT pk_projection_digests PRIMARY KEY (name, version, "position");

--
-- Name: projections pk_projections; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.projections
    ADD CONSTRAINT pk_projections PRIMARY KEY (name);

--
-- Name: rebuilds pk_rebuilds; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rebuilds
    ADD CONSTRAINT pk_rebuilds PRIMARY KEY (name);

--
-- Name: recovery_codes pk_recovery_codes; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT pk_recovery_codes PRIMARY KEY (account_id, code_hash);

--
-- Name: refunds pk_refunds; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT pk_refunds PRIMARY KEY (refund_id);

--
-- Name: reminded_events pk_reminded_events; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reminded_events
    ADD CONSTRAINT pk_reminded_events PRIMARY KEY (event_id, starts_at);

--
-- Name: revenue_categories pk_revenue_categories; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.revenue_categories
    ADD CONSTRAINT pk_revenue_categories PRIMARY KEY (event_id, category);

--
-- Name: revenue_events pk_revenue_events; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.revenue_events
    ADD CONSTRAINT pk_revenue_events PRIMARY KEY (event_id);

--
-- Name: revenue_hours pk_revenue_hours; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.revenue_hours
    ADD CONSTRAINT pk_revenue_hours PRIMARY KEY (event_id, hour);

--
-- Name: second_factors pk_second_factors; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT pk_second_factors PRIMARY KEY (account_id);

--
-- Name: set_aside pk_set_aside; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.set_aside
    ADD CONSTRAINT pk_set_aside PRIMARY KEY (name, event_id);

--
-- Name: started_payments pk_started_payments; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.started_payments
    ADD CONSTRAINT pk_started_payments PRIMARY KEY (payment_id);

--
-- Name: stripe_payments pk_stripe_payments; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stripe_payments
    ADD CONSTRAINT pk_stripe_payments PRIMARY KEY (payment_id);

--
-- Name: subscriptions pk_subscriptions; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT pk_subscriptions PRIMARY KEY (name);

--
-- Name: tickets pk_tickets; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT pk_tickets PRIMARY KEY (booking_id, ticket);

--
-- Name: tokens pk_tokens; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT pk_tokens PRIMARY KEY (token_hash);

--
-- Name: unplaced_money pk_unplaced_money; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.unplaced_money
    ADD CONSTRAINT pk_unplaced_money PRIMARY KEY (method, object);

--
-- Name: verifications pk_verifications; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.verifications
    ADD CONSTRAINT pk_verifications PRIMARY KEY (finished_at);

--
-- Name: webhook_deliveries pk_webhook_deliveries; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id);

--
-- Name: webhooks pk_webhooks; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT pk_webhooks PRIMARY KEY (id);

--
-- Name: accounts uq_accounts_email; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT uq_accounts_email UNIQUE (email);

--
-- Name: announcements uq_announcements_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT uq_announcements_number UNIQUE (number);

--
-- Name: bookings uq_bookings_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT uq_bookings_number UNIQUE (number);

--
-- Name: catalogue_events uq_catalogue_events_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.catalogue_events
    ADD CONSTRAINT uq_catalogue_events_number UNIQUE (number);

--
-- Name: contact_codes uq_contact_codes_browser_hash_email; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.contact_codes
    ADD CONSTRAINT uq_contact_codes_browser_hash_email UNIQUE (browser_hash, email);

--
-- Name: guests uq_guests_api_handle; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.guests
    ADD CONSTRAINT uq_guests_api_handle UNIQUE (api, handle);

--
-- Name: guests uq_guests_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.guests
    ADD CONSTRAINT uq_guests_number UNIQUE (number);

--
-- Name: outbox uq_outbox_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT uq_outbox_number UNIQUE (number);

--
-- Name: payments uq_payments_position; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT uq_payments_position UNIQUE ("position");

--
-- Name: revenue_events uq_revenue_events_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.revenue_events
    ADD CONSTRAINT uq_revenue_events_number UNIQUE (number);

--
-- Name: webhook_deliveries uq_webhook_deliveries_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT uq_webhook_deliveries_number UNIQUE (number);

--
-- Name: ix_account_commands_account_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_account_commands_account_id ON public.account_commands USING btree (account_id);

--
-- Name: ix_account_trail_account_id_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_account_trail_account_id_id ON public.account_trail USING btree (account_id, id);

--
-- Name: ix_account_trail_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_account_trail_at ON public.account_trail USING btree (at);

--
-- Name: ix_accounts_access_changed_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_accounts_access_changed_at ON public.accounts USING btree (access_changed_at) WHERE (access_changed_at IS NOT NULL);

--
-- Name: ix_accounts_admins; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_accounts_admins ON public.accounts USING btree (id) WHERE (role = 'admin'::text);

--
-- Name: ix_accounts_claimed_by; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_accounts_claimed_by ON public.accounts USING btree (claimed_by) WHERE (claimed_by IS NOT NULL);

--
-- Name: ix_accounts_contact_email; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_accounts_contact_email ON public.accounts USING btree (contact_email) WHERE (contact_email IS NOT NULL);

--
-- Name: ix_accounts_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_accounts_created_at_id ON public.accounts USING btree (created_at, id);

--
-- Name: ix_accounts_unclaimed; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ix_accounts_unclaimed ON public.accounts USING btree (contact_of, contact_email) WHERE (claimed_by IS NULL);

--
-- Name: ix_announcements_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_announcements_created_at ON public.announcements USING btree (created_at);

--
-- Name: ix_announcements_event_id_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_announcements_event_id_number ON public.announcements USING btree (event_id, number);

--
-- Name: ix_announcements_sender_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_announcements_sender_id ON public.announcements USING btree (sender_id);

--
-- Name: ix_announcements_unwritten; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_announcements_unwritten ON public.announcements USING btree (number) WHERE (written_at IS NULL);

--
-- Name: ix_audit_leaves_first_position; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_audit_leaves_first_position ON public.audit_leaves USING btree (first_position);

--
-- Name: ix_audit_leaves_latest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_audit_leaves_latest ON public.audit_leaves USING btree (latest);

--
-- Name: ix_availability_events_position; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_availability_events_position ON public.availability_events USING btree ("position");

--
-- Name: ix_booking_events_organizer_id_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_booking_events_organizer_id_status ON public.booking_events USING btree (organizer_id, status);

--
-- Name: ix_bookings_customer_id_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_bookings_customer_id_number ON public.bookings USING btree (customer_id, number);

--
-- Name: ix_bookings_event_id_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_bookings_event_id_number ON public.bookings USING btree (event_id, number);

--
-- Name: ix_catalogue_events_lasting; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_catalogue_events_lasting ON public.catalogue_events USING btree (COALESCE(starts_at, 'infinity'::timestamp with time zone), event_id) WHERE (past_at IS DISTINCT FROM starts_at);

--
-- Name: ix_catalogue_events_listed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_catalogue_events_listed ON public.catalogue_events USING btree (COALESCE(starts_at, 'infinity'::timestamp with time zone), event_id);

--
-- Name: ix_catalogue_events_organizer_listed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_catalogue_events_organizer_listed ON public.catalogue_events USING btree (organizer_id, COALESCE(starts_at, 'infinity'::timestamp with time zone), event_id);

--
-- Name: ix_catalogue_events_position; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_catalogue_events_position ON public.catalogue_events USING btree ("position");

--
-- Name: ix_catalogue_events_search; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_catalogue_events_search ON public.catalogue_events USING gin (search public.gin_trgm_ops);

--
-- Name: ix_catalogue_events_status_listed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_catalogue_events_status_listed ON public.catalogue_events USING btree (status, COALESCE(starts_at, 'infinity'::timestamp with time zone), event_id);

--
-- Name: ix_code_holds_event_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_code_holds_event_id ON public.code_holds USING btree (event_id);

--
-- Name: ix_contact_codes_expires_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_contact_codes_expires_at ON public.contact_codes USING btree (expires_at);

--
-- Name: ix_former_addresses_account_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_former_addresses_account_id ON public.former_addresses USING btree (account_id);

--
-- Name: ix_former_addresses_replaced_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_former_addresses_replaced_at ON public.former_addresses USING btree (replaced_at);

--
-- Name: ix_guest_tokens_guest_id_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_guest_tokens_guest_id_created_at ON public.guest_tokens USING btree (guest_id, created_at);

--
-- Name: ix_guests_api_email; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_guests_api_email ON public.guests USING btree (api, email);

--
-- Name: ix_guests_api_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_guests_api_number ON public.guests USING btree (api, number);

--
-- Name: ix_holds_event_id_version; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_holds_event_id_version ON public.holds USING btree (event_id, version);

--
-- Name: ix_holds_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_holds_open ON public.holds USING btree (expires_at) WHERE (status = 'open'::text);

--
-- Name: ix_mail_counts_hour; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_mail_counts_hour ON public.mail_counts USING btree (hour);

--
-- Name: ix_mailbox_received_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_mailbox_received_at ON public.mailbox USING btree (received_at);

--
-- Name: ix_mailed_tokens_account_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_mailed_tokens_account_id ON public.mailed_tokens USING btree (account_id);

--
-- Name: ix_mailed_tokens_expires_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_mailed_tokens_expires_at ON public.mailed_tokens USING btree (expires_at);

--
-- Name: ix_money_movements_booking_id_position; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_money_movements_booking_id_position ON public.money_movements USING btree (booking_id, "position");

--
-- Name: ix_outbox_announcement; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_announcement ON public.outbox USING btree (((details ->> 'announcement'::text)), state) WHERE (kind = 'announcement'::text);

--
-- Name: ix_outbox_booking_id_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_booking_id_number ON public.outbox USING btree (booking_id, number);

--
-- Name: ix_outbox_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_due ON public.outbox USING btree (channel, priority, due_at, number) WHERE (state = 'due'::text);

--
-- Name: ix_outbox_event_id_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_event_id_number ON public.outbox USING btree (event_id, number);

--
-- Name: ix_outbox_order; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_order ON public.outbox USING btree (recipient_id, event_id, number) WHERE (state = 'due'::text);

--
-- Name: ix_outbox_recipient_id_event_id_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_recipient_id_event_id_number ON public.outbox USING btree (recipient_id, event_id, number);

--
-- Name: ix_outbox_settled_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_settled_at ON public.outbox USING btree (settled_at);

--
-- Name: ix_payments_booking_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_payments_booking_id ON public.payments USING btree (booking_id);

--
-- Name: ix_payments_event_id_position; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_payments_event_id_position ON public.payments USING btree (event_id, "position");

--
-- Name: ix_payments_refund_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_payments_refund_due ON public.payments USING btree (event_id, "position") WHERE (paid_back < owed);

--
-- Name: ix_postings_event_id_position_line; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_postings_event_id_position_line ON public.postings USING btree (event_id, "position", line);

--
-- Name: ix_refunds_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_refunds_open ON public.refunds USING btree (payment_id) WHERE ((paid < amount) OR (failure <> ''::text));

--
-- Name: ix_reminded_events_starts_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_reminded_events_starts_at ON public.reminded_events USING btree (starts_at);

--
-- Name: ix_revenue_events_organizer_id_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_revenue_events_organizer_id_number ON public.revenue_events USING btree (organizer_id, number);

--
-- Name: ix_revenue_hours_hour; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_revenue_hours_hour ON public.revenue_hours USING btree (hour);

--
-- Name: ix_started_payments_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_started_payments_open ON public.started_payments USING btree (method, payable_until) WHERE (NOT is_received);

--
-- Name: ix_tokens_account_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_tokens_account_id ON public.tokens USING btree (account_id);

--
-- Name: ix_tokens_expires_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_tokens_expires_at ON public.tokens USING btree (expires_at);

--
-- Name: ix_tokens_revoked_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_tokens_revoked_at ON public.tokens USING btree (revoked_at) WHERE (revoked_at IS NOT NULL);

--
-- Name: ix_webhook_deliveries_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_webhook_deliveries_created_at ON public.webhook_deliveries USING btree (created_at);

--
-- Name: ix_webhook_deliveries_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_webhook_deliveries_due ON public.webhook_deliveries USING btree (webhook_id, "position", number) WHERE (state = 'due'::text);

--
-- Name: ix_webhook_deliveries_webhook_id_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_webhook_deliveries_webhook_id_number ON public.webhook_deliveries USING btree (webhook_id, number);

--
-- Name: ix_webhooks_owner_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_webhooks_owner_id ON public.webhooks USING btree (owner_id);

--
-- Name: ledger_entries_notification_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ledger_entries_notification_id_idx ON public.ledger_entries USING btree (notification_id);

--
-- Name: uq_accounts_proven_guests; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_accounts_proven_guests ON public.accounts USING btree (guest_of, contact_email) WHERE ((guest_of IS NOT NULL) AND (email_proven_at IS NOT NULL) AND (claimed_by IS NULL));

--
-- Name: ledger_entries append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_is_append_only();

ALTER TABLE public.ledger_entries ENABLE ALWAYS TRIGGER append_only;

--
-- Name: account_commands fk_account_commands_account_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_commands
    ADD CONSTRAINT fk_account_commands_account_id FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

--
-- Name: availability_categories fk_availability_categories_availability_events; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.availability_categories
    ADD CONSTRAINT fk_availability_categories_availability_events FOREIGN KEY (event_id) REFERENCES public.availability_events(event_id) ON DELETE CASCADE;

--
-- Name: availability_pools fk_availability_pools_availability_events; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.availability_pools
    ADD CONSTRAINT fk_availability_pools_availability_events FOREIGN KEY (event_id) REFERENCES public.availability_events(event_id) ON DELETE CASCADE;

--
-- Name: bookings fk_bookings_booking_events; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT fk_bookings_booking_events FOREIGN KEY (event_id) REFERENCES public.booking_events(event_id) ON DELETE CASCADE;

--
-- Name: catalogue_categories fk_catalogue_categories_catalogue_events; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.catalogue_categories
    ADD CONSTRAINT fk_catalogue_categories_catalogue_events FOREIGN KEY (event_id) REFERENCES public.catalogue_events(event_id) ON DELETE CASCADE;

--
-- Name: demo_refunds fk_demo_refunds_demo_payments; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.demo_refunds
    ADD CONSTRAINT fk_demo_refunds_demo_payments FOREIGN KEY (payment_id) REFERENCES public.demo_payments(payment_id);

--
-- Name: former_addresses fk_former_addresses_account_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.former_addresses
    ADD CONSTRAINT fk_former_addresses_account_id FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

--
-- Name: guest_tokens fk_guest_tokens_guest_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.guest_tokens
    ADD CONSTRAINT fk_guest_tokens_guest_id FOREIGN KEY (guest_id) REFERENCES public.guests(id) ON DELETE CASCADE;

--
-- Name: hold_lines fk_hold_lines_holds; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hold_lines
    ADD CONSTRAINT fk_hold_lines_holds FOREIGN KEY (hold_id) REFERENCES public.holds(hold_id) ON DELETE CASCADE;

--
-- Name: holds fk_holds_availability_events; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT fk_holds_availability_events FOREIGN KEY (event_id) REFERENCES public.availability_events(event_id) ON DELETE CASCADE;

--
-- Name: mail_bounces fk_mail_bounces_account_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mail_bounces
    ADD CONSTRAINT fk_mail_bounces_account_id FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

--
-- Name: mail_opt_outs fk_mail_opt_outs_account_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mail_opt_outs
    ADD CONSTRAINT fk_mail_opt_outs_account_id FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

--
-- Name: recovery_codes fk_recovery_codes_account_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT fk_recovery_codes_account_id FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

--
-- Name: revenue_categories fk_revenue_categories_revenue_events; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.revenue_categories
    ADD CONSTRAINT fk_revenue_categories_revenue_events FOREIGN KEY (event_id) REFERENCES public.revenue_events(event_id) ON DELETE CASCADE;

--
-- Name: revenue_hours fk_revenue_hours_revenue_events; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.revenue_hours
    ADD CONSTRAINT fk_revenue_hours_revenue_events FOREIGN KEY (event_id) REFERENCES public.revenue_events(event_id) ON DELETE CASCADE;

--
-- Name: second_factors fk_second_factors_account_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT fk_second_factors_account_id FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

--
-- Name: tickets fk_tickets_bookings; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tickets
    ADD CONSTRAINT fk_tickets_bookings FOREIGN KEY (booking_id) REFERENCES public.bookings(booking_id) ON DELETE CASCADE;

--
-- Name: tokens fk_tokens_account_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT fk_tokens_account_id FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

--
-- Name: webhook_deliveries webhook_deliveries_webhook_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES public.webhooks(id);

--
-- PostgreSQL database dump complete
--
