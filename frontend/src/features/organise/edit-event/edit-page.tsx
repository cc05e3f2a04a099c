import { useQuery } from "@tanstack/react-query";

import { LoadFailed } from "@/shared/feedback/load-failed";
import { eventQuery } from "@/shared/queries/event-query";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { Over, useEvent } from "../event-layout/workspace";
import { EditForm } from "./edit-form";

export function EditPage() {
  const { id } = useEvent();
  // One begins with what is saved now, not with what was shown before.
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
  if (!isFetchedAfterMount) return <LoadFailed error={error} onRetry={refetch} />;
  return event.status === "active" ? <EditForm event={event} /> : <Over status={event.status} />;
}
