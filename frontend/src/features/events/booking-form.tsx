import { Divider, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useSearchParams } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { isFree, formatMoney, sumLines } from "@/shared/formatting/money";
import { focusFirstInvalid } from "@/shared/forms/focus-first-invalid";
import { useSeats } from "@/shared/live/seat-store";
import { sharingNotes } from "@/shared/live/shared-seats";
import { describeCodeProblem } from "@/shared/orders/code-problem";
import { isSoldOnlyWithCode } from "@/shared/orders/needs-code";
import { PromoCodeField } from "@/shared/orders/promo-code-field";
import { usePromoCode, type PromoCode } from "@/shared/orders/use-promo-code";
import { onlineMethodsOf } from "@/shared/payments/payable";
import { aboutQuery } from "@/shared/queries/about-query";
import { useSession } from "@/shared/session/session";
import { promoCodesText } from "@/shared/strings/promo-codes";
import { useNow } from "@/shared/time/use-now";

import { BookButton, ContinueButton, hintFor } from "./booking-buttons";
import { BookingProblem } from "./booking-problem";
import { PaymentNotice } from "./payment-notice";
import { CategoryChoice } from "./category-choice";
import { HeldNotice } from "./checkout/held-notice";
import { Booked, Closed } from "./closed-form";
import { GuestFields } from "./guest-fields";
import { getSaleState } from "./sale-state";
import { recallCode, storeCode } from "./stored-code";
import { eventsText } from "./strings";
import {
  SELECTION_PARAMETER,
  parseSelection,
  isValidSelection,
  selectionPath,
  toBookingLines,
  toSearchParams,
  type TicketSelection,
} from "./ticket-selection";
import { useBooking } from "./use-booking";
import { useGuest } from "./use-guest";
import { useHoldSeats } from "./use-hold-seats";

export function BookingForm({ event }: { event: Event }) {
  const { available, held: heldByOthers } = useSeats(event);
  const now = useNow();
  const state = getSaleState(event, available, now);
  const [parameters, setParameters] = useSearchParams();
  const [selection, setSelectionOnly] = useState(() => parseSelection(parameters.get(SELECTION_PARAMETER), event));
  const booking = useBooking(event);
  const held = useHoldSeats(event.id);
  /** The category that needs a promo code, where none was entered. */
  const [missing, setMissing] = useState<string | null>(null);
  const forget = () => {
    booking.forget();
    held.forget();
    setMissing(null);
  };
  const promo = usePromoCode(recallCode(event.id), (entered) => {
    storeCode(event.id, entered);
    forget();
  });
  const { isGuest, isHeldFirst, mayContinueOrder } = useWayToBook(event, promo.code !== "");
  const lines = toBookingLines(selection, event);
  const guest = useGuest(event, (guest, isToldElsewhere) => booking.book(lines, { guest, isToldElsewhere }));
  const book = (total?: string) => {
    const confirmed = total === undefined ? {} : { total };
    booking.book(lines, isGuest ? { guest: guest.guest, isToldElsewhere: guest.tell, ...confirmed } : confirmed);
  };
  const hold = (total = sumLines(lines)) => {
    setMissing(null);
    // What a promo code takes off is known to the server: the next page shows it.
    const priced = promo.code === "" ? { total } : { code: promo.code };
    const quantities = lines.map(({ category, quantity }) => ({ category, quantity }));
    held.hold({ lines: quantities, ...priced, answers: guest.guest.contact });
  };
  const setSelection = (changed: TicketSelection) => {
    forget();
    setSelectionOnly(changed);
    setParameters(toSearchParams(changed), { replace: true });
  };
  const refusal = held.problem ?? booking.problem;
  const refusedCode =
    refusal && describeCodeProblem(refusal, { timeZone: event.timezone, now, hasCode: promo.code !== "" });
  const problem = refusal !== null && refusedCode === null && (
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
        {mayContinueOrder && <HeldNotice eventId={event.id} />}
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
            promo={promo}
            codeProblem={refusedCode ?? (missing === null ? null : promoCodesText.problems.required(missing))}
            onCodeMissing={setMissing}
            isCodeFixed={booking.isChoiceFixed || held.isChoiceFixed}
            problem={problem}
          />
        ) : (
          problem || <Closed event={event} state={state} heldByOthers={heldByOthers} />
        )}
      </Stack>
    </Paper>
  );
}

/**
 * Whether a guest books, and whether the seats are held first: while guests say who they are, with a promo code until the
 * discounted price is confirmed, and until they are paid online. `mayContinueOrder`: an order that was begun may still be open.
 */
function useWayToBook(event: Event, hasCode: boolean) {
  const { account, isKnown } = useSession();
  const { hasGuests, holdsSeats } = useGuestCheckout(event);
  const isGuest = isKnown && account === null && hasGuests;
  const isPaidOnline = onlineMethodsOf(event).length > 0 && event.categories.some(({ price }) => !isFree(price));
  const isCustomer = account !== null && account.role !== "auditor";
  return {
    isGuest,
    isHeldFirst: isGuest ? holdsSeats || hasCode : isCustomer && (hasCode || isPaidOnline),
    mayContinueOrder: isGuest || isCustomer,
  };
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
  promo: PromoCode;
  /** Said at the field of the promo code. */
  codeProblem: string | null;
  /** Called with a chosen category that needs a promo code, if none is entered. */
  onCodeMissing: (category: string) => void;
  isCodeFixed: boolean;
  problem: ReactNode;
}

function OpenForm(props: Props) {
  const { event, choice, setChoice, sending, book, guest, isHeldFirst, promo, codeProblem, onCodeMissing, problem } =
    props;
  const now = useNow();
  const hasCode = promo.code !== "";
  const lines = toBookingLines(choice, event);
  const quantity = lines.reduce((sum, line) => sum + line.quantity, 0);
  const limit = event.max_tickets_per_customer;
  const notes = sharingNotes(event, useSeats(event));

  return (
    <form
      onSubmit={(submit) => {
        submit.preventDefault();
        const form = submit.currentTarget;
        const closed = event.categories.find((one) => (choice[one.id] ?? 0) > 0 && isSoldOnlyWithCode(one, now));
        if (!isValidSelection(choice)) focusFirstInvalid(form);
        else if (closed !== undefined && !hasCode) {
          onCodeMissing(closed.name);
          promo.open();
        } else if (guest === null) book();
        else if (!guest.submit()) focusFirstInvalid(form);
      }}
      noValidate
    >
      <Stack gap="md">
        {event.categories.map((category) => (
          <CategoryChoice
            key={category.id}
            event={event}
            category={category}
            choice={choice}
            most={limit === null ? Infinity : limit - quantity + (choice[category.id] || 0)}
            needsCode={isSoldOnlyWithCode(category, now)}
            isMissing={!hasCode}
            onEnterCode={promo.open}
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
        {(event.has_codes || promo.isOpen || codeProblem !== null) && (
          <PromoCodeField promo={promo} problem={codeProblem} isFixed={props.isCodeFixed} />
        )}
        <Divider />
        <Group justify="space-between" align="baseline" wrap="nowrap" aria-live="polite">
          <Text c="dimmed">{hasCode ? promoCodesText.totalWithout : eventsText.booking.total}</Text>
          <Text fz={28} fw={800} lts={-0.5} data-testid="total">
            {formatMoney(sumLines(lines), event.currency)}
          </Text>
        </Group>
        <PaymentNotice event={event} total={hasCode ? null : sumLines(lines)} />
        {problem}
        {isHeldFirst ? (
          <ContinueButton event={event} choice={choice} quantity={quantity} hasCode={hasCode} {...sending} />
        ) : guest === null ? (
          <BookButton event={event} choice={choice} quantity={quantity} {...sending} />
        ) : (
          <GuestFields
            guest={guest}
            returnPath={selectionPath(event, choice)}
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
