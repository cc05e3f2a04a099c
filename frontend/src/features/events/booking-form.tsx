import { Alert, Anchor, Button, Divider, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { IconCircleCheck, IconInfoCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { Link, useSearchParams } from "react-router";

import type { Booking, Event } from "@/shared/api/generated/model";
import { formatDateTime } from "@/shared/formatting/date-times";
import { isFree, formatMoney, sumLines } from "@/shared/formatting/money";
import { focusFirstInvalid } from "@/shared/forms/focus-first-invalid";
import { QuantityField } from "@/shared/forms/quantity-field";
import { useSeats } from "@/shared/live/seat-store";
import { limitInPool, sharingNotes } from "@/shared/live/shared-seats";
import { aboutQuery } from "@/shared/queries/about-query";
import { signInPath } from "@/shared/navigation/return-path";
import { useSession } from "@/shared/session/session";
import { useNow } from "@/shared/time/use-now";

import { bindingUntil } from "./binding-until";
import { BookingProblem } from "./booking-problem";
import { HeldNotice } from "./checkout/held-notice";
import { checkoutText } from "./checkout/strings";
import { GuestFields } from "./guest-fields";
import { getSaleState, type SaleState } from "./sale-state";
import { eventsText } from "./strings";
import {
  SELECTION_PARAMETER,
  parseSelection,
  isValidSelection,
  toBookingLines,
  toSearchParams,
  type TicketSelection,
} from "./ticket-selection";
import { useBooking, type Guest } from "./use-booking";
import { useGuest } from "./use-guest";
import { useHoldSeats } from "./use-hold-seats";

export function BookingForm({ event }: { event: Event }) {
  const { available, held: heldByOthers } = useSeats(event);
  const state = getSaleState(event, available, useNow());
  const [parameters, setParameters] = useSearchParams();
  const [selection, setSelectionOnly] = useState(() => parseSelection(parameters.get(SELECTION_PARAMETER), event));
  const booking = useBooking(event);
  const { account, isKnown } = useSession();
  const { hasGuests, holdsSeats } = useGuestCheckout(event);
  const isGuest = isKnown && account === null && hasGuests;
  const isHeldFirst = isGuest && holdsSeats;
  const held = useHoldSeats(event.id);
  const lines = toBookingLines(selection, event);
  const guest = useGuest(event, (guest, isToldElsewhere) => booking.book(lines, { guest, isToldElsewhere }));
  const book = (total?: string) => {
    const confirmed = total === undefined ? {} : { total };
    booking.book(lines, isGuest ? { guest: guest.guest, isToldElsewhere: guest.tell, ...confirmed } : confirmed);
  };
  const hold = (total = sumLines(lines)) => {
    held.hold({ lines: lines.map(({ category, quantity }) => ({ category, quantity })), total });
  };
  const setSelection = (changed: TicketSelection) => {
    booking.forget();
    held.forget();
    setSelectionOnly(changed);
    setParameters(toSearchParams(changed), { replace: true });
  };
  const refusal = held.problem ?? booking.problem;
  const problem = refusal !== null && (
    <BookingProblem
      problem={refusal}
      event={event}
      choice={selection}
      setChoice={setSelection}
      retry={() => (isHeldFirst ? hold() : book())}
      accept={(total) => (isHeldFirst ? hold(total) : book(total))}
    />
  );

  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} shadow="sm" component="section" aria-labelledby="booking">
      <Stack gap="md">
        <Title order={2} size="h3" id="booking">
          {eventsText.booking.title}
        </Title>
        {isHeldFirst && <HeldNotice eventId={event.id} />}
        {booking.booked !== null ? (
          <Booked booking={booking.booked} guest={isGuest ? guest.guest : null} />
        ) : state === "on-sale" || booking.isChoiceFixed || held.isChoiceFixed ? (
          <OpenForm
            event={event}
            choice={selection}
            setChoice={setSelection}
            sending={isHeldFirst ? held : booking}
            book={isHeldFirst ? () => hold() : book}
            guest={isGuest && !isHeldFirst ? guest : null}
            isHeldFirst={isHeldFirst}
            problem={problem}
          />
        ) : (
          problem || <Closed event={event} state={state} heldByOthers={heldByOthers} />
        )}
      </Stack>
    </Paper>
  );
}

/** Whether guests can book here (codes need mail), and whether their seats are held while they say who they are. */
function useGuestCheckout({ guest_checkout, categories }: Event): { hasGuests: boolean; holdsSeats: boolean } {
  const { data: about } = useQuery({ ...aboutQuery(), enabled: guest_checkout !== "off" });
  const costs = categories.some(({ price }) => !isFree(price));
  return {
    hasGuests: guest_checkout === "open" || (guest_checkout === "proven" && about?.has_mail !== false),
    holdsSeats: costs && about?.has_holds !== false,
  };
}

interface Props {
  event: Event;
  choice: TicketSelection;
  setChoice: (choice: TicketSelection) => void;
  sending: { isSending: boolean; isSlow: boolean; isChoiceFixed: boolean };
  book: () => void;
  /** Null: somebody is signed in, or has to, or says later who they are. */
  guest: ReturnType<typeof useGuest> | null;
  /** The seats are held, and booked on the next page. */
  isHeldFirst: boolean;
  problem: ReactNode;
}

function OpenForm({ event, choice, setChoice, sending, book, guest, isHeldFirst, problem }: Props) {
  const lines = toBookingLines(choice, event);
  const quantity = lines.reduce((sum, line) => sum + line.quantity, 0);
  const limit = event.max_tickets_per_customer;
  const notes = sharingNotes(event, useSeats(event));

  return (
    <form
      onSubmit={(submit) => {
        submit.preventDefault();
        const form = submit.currentTarget;
        if (!isValidSelection(choice)) focusFirstInvalid(form);
        else if (guest === null) book();
        else if (!guest.submit()) focusFirstInvalid(form);
      }}
      noValidate
    >
      <Stack gap="md">
        {event.categories.map((category) => (
          <Category
            key={category.id}
            event={event}
            category={category}
            choice={choice}
            most={limit === null ? Infinity : limit - quantity + (choice[category.id] || 0)}
            isFixed={sending.isChoiceFixed}
            onChange={(value) => setChoice({ ...choice, [category.id]: value })}
          />
        ))}
        {(notes.length > 0 || limit !== null) && (
          <Stack gap={4}>
            {[...notes, ...(limit === null ? [] : [eventsText.limit(limit)])].map((note) => (
              <Text key={note} size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                {note}
              </Text>
            ))}
          </Stack>
        )}
        <Divider />
        <Group justify="space-between" align="baseline" aria-live="polite">
          <Text c="dimmed">{eventsText.booking.total}</Text>
          <Text fz={28} fw={800} lts={-0.5} data-testid="total">
            {formatMoney(sumLines(lines), event.currency)}
          </Text>
        </Group>
        {problem}
        {isHeldFirst ? (
          <ContinueButton event={event} choice={choice} quantity={quantity} {...sending} />
        ) : guest === null ? (
          <BookButton event={event} choice={choice} quantity={quantity} {...sending} />
        ) : (
          <GuestFields
            guest={guest}
            returnPath={pathWith(event, choice)}
            quantity={isValidSelection(choice) ? quantity : NaN}
            isSending={sending.isSending}
            isFixed={sending.isChoiceFixed}
            hint={hintFor(event, quantity, sending.isSlow)}
          />
        )}
      </Stack>
    </form>
  );
}

interface CategoryProps {
  event: Event;
  category: Event["categories"][number];
  choice: TicketSelection;
  /** How many tickets of this category the limit still allows. */
  most: number;
  isFixed: boolean;
  onChange: (value: number) => void;
}

function Category({ event, category, choice, most, isFixed, onChange }: CategoryProps) {
  const seats = useSeats(event);
  const available = seats.categories[category.name] ?? category.available;
  const shared = limitInPool(event, seats, choice, category.id);
  const chosen = choice[category.id] ?? 0;
  const facts = (
    <>
      <Text fw={650} style={{ overflowWrap: "anywhere" }}>
        {category.name}
      </Text>
      <Group gap={6}>
        <Text size="sm" fw={600}>
          {isFree(category.price) ? eventsText.free : formatMoney(category.price, event.currency)}
        </Text>
        <Text size="sm" c="dimmed" data-testid={`left-${category.name}`}>
          {available > 0 ? eventsText.seatsLeft(available) : eventsText.soldOut}
        </Text>
      </Group>
    </>
  );
  if (available === 0 && chosen === 0) return <div>{facts}</div>;
  return (
    <QuantityField
      category={category.name}
      value={chosen}
      max={Math.max(0, Math.min(available, shared.most, most))}
      overMax={
        most < Math.min(available, shared.most)
          ? eventsText.limit(event.max_tickets_per_customer ?? 0)
          : shared.most < available
            ? shared.overMost
            : eventsText.onlyLeft(available)
      }
      isFixed={isFixed}
      onChange={onChange}
    >
      {facts}
    </QuantityField>
  );
}

interface ButtonProps {
  event: Event;
  choice: TicketSelection;
  quantity: number;
  isSending: boolean;
  isSlow: boolean;
}

/** The button to hold the seats, and the link to sign in instead. */
function ContinueButton({ event, choice, quantity, isSending, isSlow }: ButtonProps) {
  const text = checkoutText.hold;
  const hint = quantity === 0 ? eventsText.booking.nothingChosen : text.hint(event.hold_minutes);
  return (
    <Stack gap="md">
      <Stack gap={6}>
        <Button type="submit" size="md" loading={isSending} disabled={quantity === 0 && isValidSelection(choice)}>
          {text.action(quantity)}
        </Button>
        <Text size="sm" c="dimmed" ta="center" role="status">
          {isSlow ? eventsText.booking.slow : hint}
        </Text>
      </Stack>
      <Divider label={eventsText.guest.or} />
      <Anchor component={Link} to={signInPath(pathWith(event, choice))} size="sm" ta="center" underline="always">
        {eventsText.booking.signIn}
      </Anchor>
    </Stack>
  );
}

/** The button to book, or the link to sign in. */
function BookButton(props: ButtonProps) {
  const { account, isKnown } = useSession();
  const { booking } = eventsText;
  if (account === null && isKnown) {
    return (
      <Stack gap={6}>
        <Button component={Link} to={signInPath(pathWith(props.event, props.choice))} size="md">
          {booking.signIn}
        </Button>
        <Text size="sm" c="dimmed" ta="center">
          {booking.signInHint}
        </Text>
      </Stack>
    );
  }
  if (account?.role === "auditor") return <Text c="dimmed">{booking.auditor}</Text>;
  return (
    <Stack gap={6}>
      <Button
        type="submit"
        size="md"
        loading={props.isSending || !isKnown}
        disabled={props.quantity === 0 && isValidSelection(props.choice)}
      >
        {booking.book(props.quantity)}
      </Button>
      <Text size="sm" c="dimmed" ta="center" role="status">
        {hintFor(props.event, props.quantity, props.isSlow)}
      </Text>
    </Stack>
  );
}

/** The address of the event's page with this choice. */
function pathWith(event: Event, choice: TicketSelection): string {
  return `/events/${event.id}?${toSearchParams(choice)}`;
}

/** What stands under the button. */
function hintFor(event: Event, quantity: number, isSlow: boolean): string {
  if (isSlow) return eventsText.booking.slow;
  return quantity === 0 ? eventsText.booking.nothingChosen : bindingUntil(event);
}

/** Shown until the page of the booking has loaded, or after going back before that. */
function Booked({ booking, guest }: { booking: Booking; guest: Guest | null }) {
  const { title, action } = eventsText.booking.booked;
  const to =
    guest === null
      ? { to: `/bookings/${booking.id}` }
      : { to: `/events/${booking.event_id}/booked`, state: { booking, email: guest.contact.email } };
  return (
    <Alert icon={<IconCircleCheck aria-hidden />} title={title} role="status">
      <Button component={Link} {...to} size="xs" variant="default">
        {action}
      </Button>
    </Alert>
  );
}

interface ClosedProps {
  event: Event;
  state: Exclude<SaleState, "on-sale">;
  heldByOthers: number;
}

function Closed({ event, state, heldByOthers }: ClosedProps) {
  const { title, text } =
    eventsText.booking.closed[state === "past" && event.past_at !== event.starts_at ? "over" : state];
  const opens =
    state === "not-open" ? eventsText.salesFrom(formatDateTime(event.sales_open_at ?? "", event.timezone)) : text;
  return (
    <Alert
      icon={<IconInfoCircle aria-hidden />}
      color={state === "cancelled" ? "red" : "gray"}
      title={title}
      role="status"
    >
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{opens}</Text>
        {state === "sold-out" && heldByOthers > 0 && (
          <Text size="sm" fw={600}>
            {checkoutText.over.mayComeBack(heldByOthers)}
          </Text>
        )}
        {state !== "not-open" && (
          <Button component={Link} to="/" size="xs" variant="default">
            {eventsText.booking.seeOthers}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
