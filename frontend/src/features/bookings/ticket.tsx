import { Badge, Group, Paper, Stack, Text } from "@mantine/core";
import { QRCodeSVG } from "qrcode.react";

import type { Booking } from "@/shared/api/generated/model";

import { bookingsText } from "./strings";
import classes from "./ticket.module.css";

const COLOURS = { active: "ledger", used: "blue", cancelled: "gray" };

interface Props {
  ticket: Booking["tickets"][number];
  number: number;
  all: number;
  eventName: string;
  moment: string;
  /** It is valid, but not paid. */
  isDue: boolean;
}

/** A ticket, for the screen and for printing. */
export function Ticket({ ticket, number, all, eventName, moment, isDue }: Props) {
  return (
    <Paper component="li" withBorder className={classes.ticket ?? ""} data-status={ticket.status}>
      <Stack gap={4} className={classes.text ?? ""}>
        <Text size="sm" c="dimmed">
          {bookingsText.ticketOf(number, all)}
        </Text>
        <Text fw={750} fz="lg" lh={1.25}>
          {ticket.category}
        </Text>
        <Text size="sm" className={classes.printed ?? ""}>
          {eventName}
          <br />
          {moment}
        </Text>
        <Group mt="auto" gap="xs">
          <Badge color={isDue ? "orange" : COLOURS[ticket.status]} variant="light">
            {isDue ? bookingsText.payment.notPaid : bookingsText.status[ticket.status]}
          </Badge>
        </Group>
        <Text
          ff="monospace"
          size="xs"
          c="dimmed"
          className={classes.code ?? ""}
          aria-label={`${bookingsText.code} ${ticket.code}`}
        >
          {ticket.code}
        </Text>
      </Stack>
      <div className={classes.qr}>
        <QRCodeSVG
          value={ticket.code}
          size={132}
          marginSize={1}
          level="M"
          role="img"
          title={bookingsText.qr(ticket.code)}
        />
      </div>
    </Paper>
  );
}
