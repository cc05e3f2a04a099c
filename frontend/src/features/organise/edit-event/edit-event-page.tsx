import { useQuery } from "@tanstack/react-query";

import { LoadError } from "@/shared/feedback/load-error";
import { eventQuery } from "@/shared/queries/event-query";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { ClosedEvent, useEvent } from "../event-layout/event-layout";
import { EditEventForm } from "./edit-event-form";

export function EditEventPage() {
  const { id } = useEvent();
  // Editing starts from the saved event, not from a cached one.
  const {
    data: event,
    error,
    refetch,
    isFetchedAfterMount,
  } = useQuery({
    ...eventQuery(id),
    refetchOnMount: "always",
  });
  if (event === undefined || (!isFetchedAfterMount && error === null)) return <LoadingRows />;
  if (!isFetchedAfterMount) return <LoadError error={error} onRetry={refetch} />;
  return event.status === "active" ? (
    <EditEventForm event={event} />
  ) : (
    <ClosedEvent event={event} status={event.status} />
  );
}
