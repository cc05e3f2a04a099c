import { ActionIcon, Alert, Badge, Button, Group, Paper, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconMail, IconMailOff } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";

import { resendTickets } from "@/shared/api/generated/bookings/bookings";
import type { DeliveryState, EventBooking, Notification } from "@/shared/api/generated/model";
import { resendNotification } from "@/shared/api/generated/notifications/notifications";
import { Dialog } from "@/shared/feedback/dialog";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { aboutQuery } from "@/shared/queries/about-query";
import { LoadMoreButton } from "@/shared/tables/load-more-button";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { mailsQuery } from "./queries";
import { mailsText as text } from "./strings";
import { useResend } from "./use-resend";

const COLOURS: Record<DeliveryState, string> = {
  due: "blue",
  sent: "ledger",
  failed: "red",
  skipped: "gray",
  held: "yellow",
};
/** Kinds that never have a position. A mail of another kind without one was requested. */
const ABOUT_NO_ENTRY: readonly string[] = ["reminder", "announcement"];
const MAY_BE_REPEATED: readonly DeliveryState[] = ["sent", "failed", "skipped"];

/** Opens what was mailed to the customer of a booking. */
export function BookingMails({ booking }: { booking: EventBooking }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <ActionIcon variant="subtle" size="lg" aria-label={text.show(booking.number)} onClick={open}>
        <IconMail size={18} aria-hidden />
      </ActionIcon>
      <Dialog isOpen={isOpen} onClose={close} title={text.title(booking.number)} closeLabel={text.close}>
        <Mails booking={booking} />
      </Dialog>
    </>
  );
}

function Mails({ booking }: { booking: EventBooking }) {
  const list = useInfiniteQuery(mailsQuery(booking.id));
  const { data: about } = useQuery(aboutQuery());
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const hasMail = about?.has_mail === true;

  if (list.isPending) return <LoadingRows />;
  if (list.data === undefined) return <LoadError error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) return <NoMails booking={booking} hasMail={hasMail} />;
  return (
    <Stack gap="sm">
      <Stack component="ul" aria-label={text.list} gap="sm" m={0} p={0} style={{ listStyle: "none" }}>
        {items.map((mail) => (
          <Mail key={mail.id} bookingId={booking.id} mail={mail} hasMail={hasMail} />
        ))}
      </Stack>
      <LoadMoreButton list={list} />
    </Stack>
  );
}

function NoMails({ booking, hasMail }: { booking: EventBooking; hasMail: boolean }) {
  const { none } = text;
  const resend = useResend(booking.id, `tickets ${booking.id}`, (headers) => resendTickets(booking.id, headers));
  const isSendable = hasMail && booking.status === "confirmed" && booking.customer !== null;
  const action = (
    <Stack gap="sm" align="center">
      <Button loading={resend.isPending} onClick={resend.send}>
        {none.action}
      </Button>
      <Refusal sentence={resend.refusal} />
    </Stack>
  );
  return (
    <EmptyState
      icon={IconMailOff}
      title={none.title}
      text={hasMail ? none.text : none.off}
      {...(isSendable ? { action } : {})}
    />
  );
}

function Mail({ bookingId, mail, hasMail }: { bookingId: string; mail: Notification; hasMail: boolean }) {
  const { id, state, tries, created_at, sent_at, due_at, position, recipient_name } = mail;
  const kind = text.kinds[mail.kind] ?? text.otherKind;
  const resend = useResend(bookingId, `notification ${id}`, (headers) => resendNotification(id, headers));
  const made = formatLocalDateTime(created_at);
  const facts = [
    recipient_name === null ? text.toErased : text.to(recipient_name),
    ...(position === null && !ABOUT_NO_ENTRY.includes(mail.kind) ? [text.requested] : []),
    ...(tries > 1 ? [text.tries(tries)] : []),
  ];
  return (
    <Paper component="li" withBorder p="md">
      <Stack gap={6}>
        <Group justify="space-between" gap="xs" align="flex-start" wrap="nowrap">
          <Text fw={650}>{kind}</Text>
          <Badge variant="light" color={COLOURS[state]} c="var(--mantine-color-text)" flex="none">
            {text.states[state]}
          </Badge>
        </Group>
        <Text size="sm">{whenOf(sent_at, tries > 0 ? due_at : null) ?? text.made(made)}</Text>
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {facts.join(" · ")}
        </Text>
        <Reason mail={mail} />
        {hasMail && MAY_BE_REPEATED.includes(state) && (
          <Button
            variant="default"
            size="xs"
            w="fit-content"
            aria-label={text.againOf(kind, made)}
            loading={resend.isPending}
            onClick={resend.send}
          >
            {text.again}
          </Button>
        )}
        <Refusal sentence={resend.refusal} />
      </Stack>
    </Paper>
  );
}

function whenOf(sentAt: string | null, nextTryAt: string | null): string | null {
  if (sentAt !== null) return text.sent(formatLocalDateTime(sentAt));
  return nextTryAt === null ? null : text.next(formatLocalDateTime(nextTryAt));
}

/** Why it has not arrived: in plain words where they are known, and as the server said it. */
function Reason({ mail: { state, error } }: { mail: Notification }) {
  if (state === "held") return <Text size="sm">{text.held}</Text>;
  if (state === "sent" || error === null) return null;
  const reason = text.reason(error);
  if (reason === null) return <Text size="sm">{error}</Text>;
  return (
    <div>
      <Text size="sm">{reason}</Text>
      <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
        {error}
      </Text>
    </div>
  );
}

function Refusal({ sentence }: { sentence: string | null }) {
  if (sentence === null) return null;
  return (
    <Alert color="orange" role="alert" p="xs">
      {sentence}
    </Alert>
  );
}
