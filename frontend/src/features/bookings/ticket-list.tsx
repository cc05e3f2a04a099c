import { SimpleGrid } from "@mantine/core";

import type { Booking } from "@/shared/api/generated/model";

import { Ticket } from "./ticket";

/** All tickets of a booking. `moment`: when its event is. */
export function TicketList({ booking, moment }: { booking: Booking; moment: string }) {
  return (
    <SimpleGrid component="ul" cols={{ base: 1, md: 2 }} spacing="md" p={0} m={0}>
      {booking.tickets.map((ticket, index) => (
        <Ticket
          key={ticket.id}
          ticket={ticket}
          number={index + 1}
          all={booking.tickets.length}
          eventName={booking.event_name}
          moment={moment}
          isDue={booking.payment_status === "due" && ticket.status === "active"}
        />
      ))}
    </SimpleGrid>
  );
}
