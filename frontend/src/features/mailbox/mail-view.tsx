import { Anchor, Group, Paper, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { IconMailOff, IconPaperclip } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Mail } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { LoadingRows } from "@/shared/tables/loading-rows";

import classes from "./mailbox.module.css";
import { mailQuery } from "./queries";
import { mailboxText as text } from "./strings";

export function MailView({ id }: { id: string }) {
  const mail = useQuery(mailQuery(id));

  if (mail.isPending) return <LoadingRows />;
  if (mail.data !== undefined) return <Content mail={mail.data} />;
  if (isKind(mail.error, "mail-not-found", "malformed"))
    return <EmptyState icon={IconMailOff} title={text.gone.title} text={text.gone.text} />;
  return <LoadError error={mail.error} onRetry={mail.refetch} />;
}

function Content({ mail }: { mail: Mail }) {
  const [view, setView] = useState<string>("html");

  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }} component="article" aria-labelledby="subject">
      <Stack gap="md">
        <Title order={2} size="h3" id="subject" style={{ overflowWrap: "anywhere" }}>
          {mail.subject}
        </Title>
        <dl className={classes.head ?? ""}>
          <dt>{text.from}</dt>
          <dd>{mail.sender}</dd>
          <dt>{text.to}</dt>
          <dd>{mail.to}</dd>
          <dt>{text.received}</dt>
          <dd>{formatLocalDateTime(mail.received_at)}</dd>
        </dl>
        {mail.attachments.length > 0 && (
          <Group gap="md" component="ul" aria-label={text.attachments} className={classes.attachments ?? ""}>
            {mail.attachments.map(({ name, size }, number) => (
              <li key={name}>
                <Anchor href={`/api/mailbox/${mail.id}/attachments/${number}`} download={name} size="sm">
                  <IconPaperclip size={16} aria-hidden style={{ verticalAlign: -3 }} />{" "}
                  {text.download(name, (size / 1000).toFixed(1))}
                </Anchor>
              </li>
            ))}
          </Group>
        )}
        <SegmentedControl
          aria-label={text.view}
          size="xs"
          value={view}
          onChange={setView}
          data={[
            { value: "html", label: text.html },
            { value: "plain", label: text.plain },
          ]}
          style={{ alignSelf: "flex-start" }}
        />
        {view === "html" ? (
          <iframe
            className={classes.frame}
            title={text.body(mail.subject)}
            src={`/api/mailbox/${mail.id}/html`}
            sandbox="allow-popups allow-popups-to-escape-sandbox"
          />
        ) : (
          <Text component="pre" className={classes.plain ?? ""} size="sm">
            {mail.text}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}
