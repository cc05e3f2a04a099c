import { Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { Event } from "@/shared/api/generated/model";
import { LoadError } from "@/shared/feedback/load-error";
import { formatMoney } from "@/shared/formatting/money";
import { PaymentForm } from "@/shared/payments/payment-form";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { bookingOfTicketQuery } from "../queries";
import { checkInText } from "./strings";

const text = checkInText.pay;

interface Props {
  event: Event;
  /** Of the ticket. */
  code: string;
  due: string;
  onPaid: () => void;
}

/** Takes the payment for the booking of a ticket that was refused because it is not paid. */
export function DuePayment({ event, code, due, onPaid }: Props) {
  const { data: booking, error, refetch } = useQuery(bookingOfTicketQuery(event.id, code));
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }} component="section" aria-labelledby="due">
      <Stack gap="md">
        <Title order={2} size="h3" id="due">
          {text.title(formatMoney(due, event.currency))}
        </Title>
        <Text>{text.text}</Text>
        {booking != null ? (
          <PaymentForm booking={{ ...booking, due_amount: due }} onDone={onPaid} />
        ) : error !== null ? (
          <LoadError error={error} onRetry={refetch} />
        ) : booking === null ? (
          <Text>{text.notFound}</Text>
        ) : (
          <LoadingRows rows={2} />
        )}
      </Stack>
    </Paper>
  );
}
