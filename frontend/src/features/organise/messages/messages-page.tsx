import { Stack } from "@mantine/core";
import { IconMailOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";

import { EmptyState } from "@/shared/feedback/empty-state";
import { aboutQuery } from "@/shared/queries/about-query";

import { useEvent } from "../event-layout/event-layout";
import { MessageForm } from "./message-form";
import { MessageList } from "./message-list";
import { messagesText } from "./strings";

/** An organizer writes to the attendees of an event, and sees what was sent. */
export function MessagesPage() {
  const event = useEvent();
  const { data: about } = useQuery(aboutQuery());
  const { off } = messagesText;
  return (
    <Stack gap="xl">
      {about?.has_mail === false ? (
        <EmptyState icon={IconMailOff} title={off.title} text={off.text} />
      ) : (
        <MessageForm key={event.id} event={event} />
      )}
      <MessageList event={event} />
    </Stack>
  );
}
