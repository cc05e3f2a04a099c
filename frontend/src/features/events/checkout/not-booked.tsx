import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconClockX, IconTicketOff } from "@tabler/icons-react";
import { Link } from "react-router";

import type { Event, Hold } from "@/shared/api/generated/model";
import { Page } from "@/shared/navigation/page";

import { storeCode } from "../stored-code";
import classes from "./checkout-page.module.css";
import { selectionPath } from "./order-paths";
import { OrderSummary } from "./order-summary";
import { checkoutText } from "./strings";

const text = checkoutText.pay.notBooked;
const ICONS = { lapsed: IconClockX, released: IconTicketOff };

interface Props {
  hold: Hold;
  status: keyof typeof ICONS;
  event: Event | undefined;
  code: string;
}

/** An order whose seats are no longer held, and what happens with money that arrives nevertheless. */
export function NotBooked({ hold, status, event, code }: Props) {
  const StatusIcon = ICONS[status];
  return (
    <Page title={text.title} documentTitle={`${text.title} · ${hold.event_name}`}>
      <div className={classes.columns}>
        <div className={classes.summary}>
          <OrderSummary hold={hold} event={event} code={code} saysHow={false} />
        </div>
        <Alert color="orange" icon={<StatusIcon aria-hidden />} title={text[status].title} role="alert" h="fit-content">
          <Stack align="flex-start" gap="sm">
            <Text size="sm">{text[status].text}</Text>
            <Button
              size="sm"
              component={Link}
              to={selectionPath(hold, event)}
              onClick={() => storeCode(hold.event_id, code)}
            >
              {text.action}
            </Button>
          </Stack>
        </Alert>
      </div>
    </Page>
  );
}
