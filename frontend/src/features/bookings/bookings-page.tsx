import { Button, SimpleGrid, Skeleton, Stack, Tabs, Text } from "@mantine/core";
import { IconHistory, IconTicket } from "@tabler/icons-react";
import {
  useInfiniteQuery,
  useQueries,
  useQueryClient,
  type InfiniteData,
  type UseInfiniteQueryResult,
} from "@tanstack/react-query";
import { useEffect, type ReactNode } from "react";
import { Link, useSearchParams } from "react-router";

import type { Booking, BookingPage, Event } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { Page } from "@/shared/navigation/page";

import { BookingCard } from "./booking-card";
import { bookedEventQuery, bookingsQuery, BOOKING_LISTS, UPCOMING_PAGES } from "./queries";
import { bookingsText } from "./strings";

const LAST = Number.MAX_SAFE_INTEGER;

export function BookingsPage() {
  return (
    <Page title={bookingsText.title} lead={bookingsText.lead}>
      <BookingLists />
    </Page>
  );
}

function BookingLists() {
  const [parameters, setParameters] = useSearchParams();
  const upcoming = useInfiniteQuery(bookingsQuery("upcoming"));
  const past = useInfiniteQuery(bookingsQuery("past"));
  useLoadUpcoming(upcoming);
  const shown = parameters.get("show") === "history" ? "history" : "upcoming";

  if (isEmpty(upcoming) && isEmpty(past)) {
    const { title, text, action } = bookingsText.none;
    return <EmptyState icon={IconTicket} title={title} text={text} action={<BrowseEventsButton label={action} />} />;
  }
  return (
    <Tabs
      value={shown}
      onChange={(tab) => setParameters(tab === "history" ? { show: "history" } : {}, { replace: true })}
      keepMounted={false}
    >
      <Tabs.List mb="lg">
        <Tabs.Tab value="upcoming" leftSection={<IconTicket size={18} aria-hidden />}>
          {bookingsText.tab(bookingsText.upcoming, numberOf(upcoming), upcoming.hasNextPage)}
        </Tabs.Tab>
        <Tabs.Tab value="history" leftSection={<IconHistory size={18} aria-hidden />}>
          {bookingsText.tab(bookingsText.history, numberOf(past), past.hasNextPage)}
        </Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="upcoming">
        <BookingList
          list={upcoming}
          isSoonestFirst
          none={
            <NoBookings
              {...bookingsText.noneUpcoming}
              action={<BrowseEventsButton label={bookingsText.noneUpcoming.action} />}
            />
          }
        />
      </Tabs.Panel>
      <Tabs.Panel value="history">
        <BookingList list={past} none={<NoBookings {...bookingsText.noneHistory} />} />
      </Tabs.Panel>
    </Tabs>
  );
}

type List = UseInfiniteQueryResult<InfiniteData<BookingPage>>;

const itemsOf = (list: List) => list.data?.pages.flatMap((page) => page.items) ?? [];
const numberOf = (list: List) => (list.data === undefined ? null : itemsOf(list).length);
const isEmpty = (list: List) => numberOf(list) === 0;

interface ListProps {
  list: List;
  none: ReactNode;
  /** Sorts the loaded bookings by the start of the event; otherwise the newest booking is first. */
  isSoonestFirst?: boolean;
}

function BookingList({ list, none, isSoonestFirst = false }: ListProps) {
  const queries = useQueryClient();
  const items = itemsOf(list);
  const events = useEvents(items);
  const startOf = ({ event_id, booked_at }: Booking) => {
    const event = events.get(event_id);
    if (event?.starts_at === null) return LAST; // an open date
    return Date.parse(event?.starts_at ?? booked_at);
  };
  const inOrder = isSoonestFirst ? items.toSorted((first, second) => startOf(first) - startOf(second)) : items;

  // An error of one list has likely hit the other, too.
  const retry = () => queries.refetchQueries({ queryKey: BOOKING_LISTS });

  if (list.isPending) return <Loading />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={retry} />;
  if (items.length === 0) return none;
  return (
    <Stack gap="lg">
      {list.isError && <LoadError error={list.error} onRetry={retry} />}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        {inOrder.map((booking) => (
          <BookingCard key={booking.id} booking={booking} event={events.get(booking.event_id)} />
        ))}
      </SimpleGrid>
      {list.hasNextPage && (
        <Stack align="center" gap="xs">
          <Text size="sm" c="dimmed">
            {bookingsText.newest(items.length)}
          </Text>
          <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {bookingsText.more}
          </Button>
        </Stack>
      )}
    </Stack>
  );
}

function useLoadUpcoming({ data, hasNextPage, isFetching, isError, fetchNextPage }: List) {
  const goesOn = hasNextPage && (data?.pages.length ?? 0) < UPCOMING_PAGES;
  useEffect(() => {
    if (goesOn && !isFetching && !isError) void fetchNextPage();
  }, [goesOn, isFetching, isError, fetchNextPage]);
}

/** The events of the bookings, as far as they have loaded. */
function useEvents(items: readonly Booking[]): ReadonlyMap<string, Event> {
  const ids = [...new Set(items.map(({ event_id }) => event_id))];
  return useQueries({
    queries: ids.map((id) => bookedEventQuery(id)),
    combine: (results) =>
      new Map(results.flatMap(({ data }) => (data === undefined ? [] : [[data.id, data] as const]))),
  });
}

function NoBookings({ title, text, action }: { title: string; text: string; action?: ReactNode }) {
  return <EmptyState icon={IconTicket} title={title} text={text} action={action} />;
}

function BrowseEventsButton({ label }: { label: string }) {
  return (
    <Button component={Link} to="/">
      {label}
    </Button>
  );
}

function Loading() {
  return (
    <Stack gap="md" role="status" aria-label={bookingsText.loading}>
      {Array.from({ length: 3 }, (_, index) => (
        <Skeleton key={index} height={112} radius="lg" />
      ))}
    </Stack>
  );
}
