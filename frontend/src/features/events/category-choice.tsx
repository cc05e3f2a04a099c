import { Anchor, Group, Text } from "@mantine/core";

import type { Event } from "@/shared/api/generated/model";
import { isFree, formatMoney } from "@/shared/formatting/money";
import { QuantityField } from "@/shared/forms/quantity-field";
import { useSeats } from "@/shared/live/seat-store";
import { limitInPool } from "@/shared/live/shared-seats";
import { promoCodesText } from "@/shared/strings/promo-codes";

import { eventsText } from "./strings";
import type { TicketSelection } from "./ticket-selection";

interface Props {
  event: Event;
  category: Event["categories"][number];
  choice: TicketSelection;
  /** How many tickets of this category the limit still allows. */
  most: number;
  /** It is sold only with a promo code. `isMissing`: none is entered. */
  needsCode: boolean;
  isMissing: boolean;
  isFixed: boolean;
  onChange: (value: number) => void;
  onEnterCode: () => void;
}

/** A category with its price and seats, and the number of tickets to choose. */
export function CategoryChoice(props: Props) {
  const { event, category, choice, most, needsCode, isMissing, isFixed, onChange, onEnterCode } = props;
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
      {needsCode && (
        <Text size="sm" c="dimmed">
          {promoCodesText.needed}
        </Text>
      )}
    </>
  );
  if (available === 0 && chosen === 0) return <div>{facts}</div>;
  const isClosed = needsCode && isMissing;
  if (isClosed && chosen === 0) {
    return (
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <div style={{ minWidth: 0 }}>{facts}</div>
        <Anchor
          component="button"
          type="button"
          size="sm"
          ta="end"
          aria-label={promoCodesText.enterFor(category.name)}
          onClick={onEnterCode}
        >
          {promoCodesText.enter}
        </Anchor>
      </Group>
    );
  }
  const limit = isClosed ? 0 : Math.min(available, shared.most, most);
  return (
    <QuantityField
      category={category.name}
      value={chosen}
      max={Math.max(0, limit)}
      overMax={
        isClosed
          ? promoCodesText.needsCode(category.name)
          : most < Math.min(available, shared.most)
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
