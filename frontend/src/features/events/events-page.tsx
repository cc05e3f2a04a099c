import { useGetEvents } from "@/shared/api/generated/events/events";
import { Page } from "@/shared/navigation/page";
import { events } from "@/shared/strings/events";

export function EventsPage() {
  const page = useGetEvents();
  return (
    <Page title={events.title}>
      {page.data?.items.map((event) => (
        <p key={event.id}>{event.name}</p>
      ))}
    </Page>
  );
}
