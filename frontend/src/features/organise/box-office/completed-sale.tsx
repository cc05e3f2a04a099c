import { Button, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconCircleCheck, IconPrinter } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { QRCodeSVG } from "qrcode.react";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";

import type { Event } from "@/shared/api/generated/model";
import { formatStart } from "@/shared/formatting/date-times";
import { formatMoney } from "@/shared/formatting/money";
import { discountOf } from "@/shared/orders/discounts";
import { PaymentBadge } from "@/shared/payments/payment-badge";
import { PaymentForm } from "@/shared/payments/payment-form";
import { aboutQuery } from "@/shared/queries/about-query";
import { paymentsText } from "@/shared/strings/payments";

import classes from "./completed-sale.module.css";
import { boxOfficeText } from "./strings";
import type { Sale } from "./use-sale";

const text = boxOfficeText;

/** A completed sale with its tickets, to show or print. */
export function CompletedSale({ sale, event, onNext }: { sale: Sale; event: Event; onNext: () => void }) {
  const { customer } = sale;
  const [booking, setBooking] = useState(sale.booking);
  const discount = discountOf(booking.lines);
  const { data: about } = useQuery(aboutQuery());
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);

  return (
    <Stack gap="lg">
      <Group gap="sm" wrap="nowrap" data-no-print>
        <IconCircleCheck size={44} color="var(--mantine-color-ledger-6)" aria-hidden className={classes.icon} />
        <div role="status">
          <Title order={2} size="h3" ref={heading} tabIndex={-1} data-page-heading>
            {text.sold(booking.tickets.length)}
          </Title>
          <Text c="dimmed">
            {text.soldTo(customer?.name ?? text.someWalkIn, formatMoney(booking.total_amount, booking.currency))}
          </Text>
          {discount !== null && <Text c="dimmed">{text.discount(formatMoney(discount, booking.currency))}</Text>}
          {customer !== null && about?.has_mail === true && <Text c="dimmed">{text.mailed(customer.email)}</Text>}
        </div>
      </Group>
      {booking.payment_status === "due" && (
        <Paper
          withBorder
          p={{ base: "md", sm: "lg" }}
          maw={520}
          component="section"
          aria-labelledby="take"
          data-no-print
        >
          <Stack gap="md">
            <Title order={3} id="take">
              {paymentsText.take.title}
            </Title>
            <PaymentForm
              booking={booking}
              onDone={(paid) => {
                setBooking(paid);
                heading.current?.focus();
              }}
            />
          </Stack>
        </Paper>
      )}
      {booking.payment_status === "paid" && (
        <Group gap="xs">
          <PaymentBadge status="paid" />
          <Text>{formatMoney(booking.paid_amount, booking.currency)}</Text>
        </Group>
      )}
      <Group data-no-print>
        <Button variant={booking.payment_status === "due" ? "default" : "filled"} onClick={onNext}>
          {text.next}
        </Button>
        <Button variant="default" leftSection={<IconPrinter size={18} aria-hidden />} onClick={() => window.print()}>
          {text.print}
        </Button>
        <Button variant="subtle" component={Link} to={`/bookings/${booking.id}`}>
          {text.booking}
        </Button>
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} component="ul" className={classes.tickets ?? ""}>
        {booking.tickets.map((ticket, index) => (
          <Paper key={ticket.id} component="li" withBorder className={classes.ticket ?? ""}>
            <div className={classes.text}>
              <Text size="sm" c="dimmed">
                {text.ticket(index + 1, booking.tickets.length)}
              </Text>
              <Text fw={750} fz="lg">
                {ticket.category}
              </Text>
              <Text size="sm" className={classes.printed ?? ""}>
                {event.name}, {formatStart(event.starts_at, event.timezone)}
              </Text>
              <Text ff="monospace" size="xs" mt="xs" className={classes.code ?? ""}>
                {ticket.code}
              </Text>
            </div>
            <div className={classes.qr}>
              <QRCodeSVG
                value={ticket.code}
                size={112}
                marginSize={2}
                level="M"
                role="img"
                title={text.qr(ticket.code)}
              />
            </div>
          </Paper>
        ))}
      </SimpleGrid>
    </Stack>
  );
}
