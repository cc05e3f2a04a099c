import { Alert, Anchor, Code, List, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link } from "react-router";

import type { Projection } from "@/shared/api/generated/model";

import { projectionsText } from "./strings";

const text = projectionsText.setAside;
/** Events listed at most; the command lists them all. */
const SHOWN = 10;
/** Characters of an event's id. */
const SHORT = 8;

/** The events that a projection passes over, why, and what can be done about it. */
export function SetAsideAlert({ projection: { name, set_aside: events } }: { projection: Projection }) {
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={text.title(name, events.length)} role="alert">
      <Text size="sm">
        {text.explanation} {text.command} <Code>python -m projections resume {name}</Code>
      </Text>
      <List size="sm" mt="xs" spacing={4}>
        {events.slice(0, SHOWN).map(({ event_id, position, error }) => (
          <List.Item key={event_id}>
            <Anchor component={Link} to={`/ledger/events/${event_id}?at=${position - 1}`} size="sm">
              {text.event(event_id.slice(0, SHORT), position)}
            </Anchor>
            <Text ff="monospace" size="xs" style={{ overflowWrap: "anywhere" }}>
              {error}
            </Text>
          </List.Item>
        ))}
      </List>
      {events.length > SHOWN && (
        <Text size="sm" mt="xs">
          {text.more(events.length - SHOWN)}
        </Text>
      )}
    </Alert>
  );
}
