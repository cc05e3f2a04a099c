import { Progress, Stack, Table, Text, Title } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";

import type { Event, Message } from "@/shared/api/generated/model";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";
import { TableFrame } from "@/shared/tables/table-frame";

import { eventMessagesQuery } from "../queries";
import { messagesText } from "./strings";

const text = messagesText;

/** What was written to the attendees of an event, and how far its mails are. */
export function MessageList({ event }: { event: Event }) {
  return (
    <Stack gap="md" component="section" aria-labelledby="sent-messages">
      <Title order={2} size="h3" id="sent-messages">
        {text.list}
      </Title>
      <Messages eventId={event.id} />
    </Stack>
  );
}

function Messages({ eventId }: { eventId: string }) {
  const list = useInfiniteQuery(eventMessagesQuery(eventId));
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const { columns } = text;
  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) return <EmptyState icon={IconMail} title={text.none.title} text={text.none.text} />;
  return (
    <>
      <TableFrame label={text.list} columns={[columns.subject, columns.audience, columns.when, columns.progress]}>
        {items.map((message) => (
          <Row key={message.id} message={message} />
        ))}
      </TableFrame>
      <LoadMoreButton list={list} />
    </>
  );
}

function Row({ message }: { message: Message }) {
  const { columns } = text;
  return (
    <Table.Tr>
      <Table.Th scope="row">
        <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
          {message.subject}
        </Text>
        {message.sender !== null && (
          <Text size="xs" c="dimmed">
            {text.by(message.sender)}
          </Text>
        )}
      </Table.Th>
      <Table.Td data-label={columns.audience}>
        <Stack gap={0}>
          <Text size="sm">{text.audiences[message.audience]}</Text>
          {message.category !== null && (
            <Text size="xs" c="dimmed">
              {message.category}
            </Text>
          )}
        </Stack>
      </Table.Td>
      <Table.Td data-label={columns.when}>
        <Text size="sm">{formatLocalDateTime(message.created_at)}</Text>
      </Table.Td>
      <Table.Td data-label={columns.progress}>
        <MessageProgress message={message} />
      </Table.Td>
    </Table.Tr>
  );
}

function MessageProgress({ message: { recipients, sent, waiting, failed, skipped } }: { message: Message }) {
  if (recipients === null) return <Text size="sm">{text.writing}</Text>;
  const rest = [
    ...(waiting > 0 ? [text.waiting(waiting)] : []),
    ...(failed > 0 ? [text.failed(failed)] : []),
    ...(skipped > 0 ? [text.skipped(skipped)] : []),
  ];
  return (
    <Stack gap={4} miw={140}>
      <Text size="sm">{text.progress(sent, recipients)}</Text>
      {waiting > 0 && (
        <Progress value={(100 * (recipients - waiting)) / recipients} size="sm" aria-label={text.columns.progress} />
      )}
      {rest.length > 0 && (
        <Text size="xs" c="dimmed">
          {rest.join(", ")}
        </Text>
      )}
    </Stack>
  );
}
