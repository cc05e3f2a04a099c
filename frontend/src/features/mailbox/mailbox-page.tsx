import { Anchor, Stack, Text } from "@mantine/core";
import { IconArrowLeft, IconMail, IconMailOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";

import { isKind } from "@/shared/api/problem";
import { EmptyState } from "@/shared/feedback/empty-state";
import { LoadError } from "@/shared/feedback/load-error";
import { formatLocalDateTime } from "@/shared/formatting/date-times";
import { Page } from "@/shared/navigation/page";
import { LoadingRows } from "@/shared/tables/loading-rows";

import { MailView } from "./mail-view";
import classes from "./mailbox.module.css";
import { mailboxQuery } from "./queries";
import { mailboxText as text } from "./strings";

/** The mails of the demo; the one that is shown is in the URL as `mail`. */
export function MailboxPage() {
  return (
    <Page title={text.title} lead={text.lead}>
      <Mails />
    </Page>
  );
}

function Mails() {
  const mailbox = useQuery(mailboxQuery());
  const [parameters] = useSearchParams();
  const shown = parameters.get("mail");

  if (mailbox.isPending) return <LoadingRows />;
  if (mailbox.data === undefined) {
    if (isKind(mailbox.error, "mail-not-found"))
      return <EmptyState icon={IconMailOff} title={text.off.title} text={text.off.text} />;
    return <LoadError error={mailbox.error} onRetry={mailbox.refetch} />;
  }
  if (mailbox.data.items.length === 0 && shown === null) {
    return <EmptyState icon={IconMail} title={text.none.title} text={text.none.text} />;
  }
  return (
    <div className={classes.columns} data-open={shown ?? undefined}>
      <ul className={classes.list} aria-label={text.list}>
        {mailbox.data.items.map(({ id, subject, to, received_at }) => (
          <li key={id}>
            <Link to={`?mail=${id}`} className={classes.mail} aria-current={id === shown ? "true" : undefined}>
              <Text size="sm" fw={600} lineClamp={2}>
                {subject}
              </Text>
              <Text size="sm">{to}</Text>
              <Text size="xs" c="dimmed">
                {formatLocalDateTime(received_at)}
              </Text>
            </Link>
          </li>
        ))}
      </ul>
      <Stack gap="md" className={classes.reading ?? ""}>
        <Anchor component={Link} to="/mailbox" size="sm" className={classes.back ?? ""}>
          <IconArrowLeft size={16} aria-hidden style={{ verticalAlign: -2 }} /> {text.back}
        </Anchor>
        {shown === null ? (
          <EmptyState icon={IconMail} title={text.choose.title} text={text.choose.text} />
        ) : (
          <MailView key={shown} id={shown} />
        )}
      </Stack>
    </div>
  );
}
