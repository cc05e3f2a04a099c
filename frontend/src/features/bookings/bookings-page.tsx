import { Button, Center, SimpleGrid, Skeleton, Stack, Tabs } from "@mantine/core";
import { IconHistory, IconTicket } from "@tabler/icons-react";
import { useInfiniteQuery, useQueries } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useSearchParams } from "react-router";

import type { Booking, Event } from "@/shared/api/generated/model";
import { LoadFailed } from "@/shared/feedback/load-failed";
import { NothingHere } from "@/shared/feedback/nothing-here";
import { Page } from "@/shared/navigation/page";
import { bookings } from "@/shared/strings/bookings";
import { useNow } from "@/shared/time/use-now";

import { BookingCard } from "./booking-card";
import { bookedEventQuery, bookingsQuery, isUpcoming } from "./queries";

export function BookingsPage() {
  return (
    <Page title={bookings.title} lead={bookings.lead}>
      <BookingLists />
    </Page>
  );
}

function BookingLists() {
  const list = useInfiniteQuery(bookingsQuery);
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const events = useEvents(items);

  if (list.isPending) return <Loading />;
  if (list.data === undefined) return <LoadFailed error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) {
    const { title, text, action } = bookings.none;
    return <NothingHere icon={IconTicket} title={title} text={text} action={<SeeWhatIsOn label={action} />} />;
  }
  return (
    <Stack gap="lg">
      {list.isError && <LoadFailed error={list.error} onRetry={list.refetch} />}
      <UpcomingAndHistory items={items} events={events} />
      {list.hasNextPage && (
        <Center>
          <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {bookings.more}
          </Button>
        </Center>
      )}
    </Stack>
  );
}

function UpcomingAndHistory({ items, events }: { items: Booking[]; events: ReadonlyMap<string, Event> }) {
  const now = useNow();
  const [parameters, setParameters] = useSearchParams();
  const startOf = (booking: Booking) => Date.parse(events.get(booking.event_id)?.starts_at ?? booking.booked_at);
  const upcoming = items
    .filter((booking) => isUpcoming(booking, events.get(booking.event_id), now))
    .sort((one, other) => startOf(one) - startOf(other));
  const history = items.filter((booking) => !upcoming.includes(booking));
  const cards = (those: Booking[]) => (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      {those.map((booking) => (
        <BookingCard key={booking.id} booking={booking} event={events.get(booking.event_id)} />
      ))}
    </SimpleGrid>
  );

  return (
    <Tabs
      value={parameters.get("show") === "history" ? "history" : "upcoming"}
      onChange={(tab) => setParameters(tab === "history" ? { show: "history" } : {}, { replace: true })}
      keepMounted={false}
    >
      <Tabs.List mb="lg">
        <Tabs.Tab value="upcoming" leftSection={<IconTicket size={18} aria-hidden />}>
          {`${bookings.upcoming} (${upcoming.length})`}
        </Tabs.Tab>
        <Tabs.Tab value="history" leftSection={<IconHistory size={18} aria-hidden />}>
          {`${bookings.history} (${history.length})`}
        </Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="upcoming">
        {upcoming.length > 0 ? (
          cards(upcoming)
        ) : (
          <None {...bookings.noneUpcoming} action={<SeeWhatIsOn label={bookings.noneUpcoming.action} />} />
        )}
      </Tabs.Panel>
      <Tabs.Panel value="history">
        {history.length > 0 ? cards(history) : <None {...bookings.noneHistory} />}
      </Tabs.Panel>
    </Tabs>
  );
}

/** Those of the bookings, as far as they are there. */
function useEvents(items: readonly Booking[]): ReadonlyMap<string, Event> {
  const ids = [...new Set(items.map(({ event_id }) => event_id))];
  return useQueries({
    queries: ids.map((id) => bookedEventQuery(id)),
    combine: (results) =>
      new Map(results.flatMap(({ data }) => (data === undefined ? [] : [[data.id, data] as const]))),
  });
}

function None({ title, text, action }: { title: string; text: string; action?: ReactNode }) {
  return <NothingHere icon={IconTicket} title={title} text={text} action={action} />;
}

function SeeWhatIsOn({ label }: { label: string }) {
  return (
    <Button component={Link} to="/">
      {label}
    </Button>
  );
}

function Loading() {
  return (
    <Stack gap="md" role="status" aria-label={bookings.loading}>
      {Array.from({ length: 3 }, (_, index) => (
        <Skeleton key={index} height={112} radius="lg" />
      ))}
    </Stack>
  );
}
