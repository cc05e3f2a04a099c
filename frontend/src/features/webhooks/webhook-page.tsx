import { Alert, Anchor, Code, Group, Stack, Text } from "@mantine/core";
import { IconArrowLeft, IconPlayerPause, IconWebhookOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";

import type { Webhook } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatCount } from "@/shared/formatting/counts";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { Page } from "@/shared/navigation/page";
import { eventQuery } from "@/shared/queries/event-query";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { DeliveryList } from "./delivery-list";
import { webhookQuery } from "./queries";
import { StateBadge } from "./state-badge";
import { webhooksText as text } from "./strings";
import { isEverything } from "./types";
import { WebhookActions } from "./webhook-actions";
import classes from "./webhooks.module.css";

export function WebhookPage() {
  const { webhookId = "" } = useParams();
  const webhook = useQuery(webhookQuery(webhookId));
  const isGone = isKind(webhook.error, "webhook-not-found", "malformed");

  return (
    <Stack gap="md">
      <Anchor component={Link} to="/webhooks" size="sm">
        <IconArrowLeft size={16} aria-hidden style={{ verticalAlign: -2 }} /> {text.back}
      </Anchor>
      {webhook.isPending && <LoadingRows />}
      {isGone && <EmptyState icon={IconWebhookOff} title={text.gone.title} text={text.gone.text} />}
      {!isGone && webhook.isError && webhook.data === undefined && (
        <LoadError error={webhook.error} onRetry={webhook.refetch} />
      )}
      {!isGone && webhook.data !== undefined && <Content webhook={webhook.data} />}
    </Stack>
  );
}

function Content({ webhook }: { webhook: Webhook }) {
  const lead = (
    <Group gap="xs">
      <span className={classes.url}>{webhook.url}</span>
      <StateBadge state={webhook.state} />
    </Group>
  );
  return (
    <Page title={text.titleOne} lead={lead}>
      <Stack gap="lg">
        {webhook.state !== "active" && (
          <Alert
            color="yellow"
            icon={<IconPlayerPause aria-hidden />}
            title={text.pausedAlert.title}
            styles={{ title: { color: "var(--mantine-color-text)" } }}
          >
            {webhook.state === "paused" ? text.pausedAlert.paused : text.pausedAlert.failing}
          </Alert>
        )}
        {webhook.state === "active" && webhook.failing_since !== null && (
          <Alert color="yellow">{text.failing(formatLocalDateTime(webhook.failing_since))}.</Alert>
        )}
        {webhook.replay_from !== null && (
          <Alert color="blue" role="status">
            {text.replayingAlert(formatCount(webhook.replay_from))}
          </Alert>
        )}
        <About webhook={webhook} />
        <WebhookActions webhook={webhook} />
        <DeliveryList webhookId={webhook.id} />
      </Stack>
    </Page>
  );
}

function About({ webhook }: { webhook: Webhook }) {
  const event = useQuery({ ...eventQuery(webhook.event_id ?? ""), enabled: webhook.event_id !== null });
  return (
    <dl className={classes.about}>
      <dt>{text.about.types}</dt>
      <dd>
        {isEverything(webhook.types) ? (
          text.everything
        ) : (
          <Group gap={6}>
            {webhook.types.map((type) => (
              <Code key={type}>{type}</Code>
            ))}
          </Group>
        )}
      </dd>
      <dt>{text.about.events}</dt>
      <dd>{webhook.event_id === null ? text.allEvents : (event.data?.name ?? text.oneEvent)}</dd>
      <dt>{text.about.created}</dt>
      <dd>{formatLocalDateTime(webhook.created_at)}</dd>
      <dt>{text.about.position}</dt>
      <dd>
        {webhook.last_position === null ? (
          <Text span c="dimmed">
            –
          </Text>
        ) : (
          formatCount(webhook.last_position)
        )}
      </dd>
    </dl>
  );
}
