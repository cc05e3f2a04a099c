import { Alert, Anchor, Code, List, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link } from "react-router";

import type { Projection, SetAside } from "@/shared/api/generated/model";

import { projectionsText } from "./strings";

const text = projectionsText.setAside;
/** Events listed at most; the command lists them all. */
const SHOWN = 10;
/** Characters of an event's id. */
const SHORT = 8;

/** The events that projections pass over, why, and what can be done about it. Nothing if there are none. */
export function SetAsideAlert({ projections }: { projections: Projection[] }) {
  const events = byEntry(projections);
  if (events.length === 0) return null;
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={text.title(events.length)} role="alert">
      <Text size="sm">
        {text.explanation} {text.command} <Code>{text.resume}</Code>
      </Text>
      <List size="sm" mt="xs" spacing={6}>
        {events.slice(0, SHOWN).map(({ event_id, position, error, names }) => (
          <List.Item key={`${event_id} ${position}`}>
            <Anchor
              component={Link}
              to={`/ledger/events/${event_id}?at=${position - 1}`}
              size="sm"
              c="inherit"
              underline="always"
            >
              {text.event(event_id.slice(0, SHORT), position)}
            </Anchor>
            {`: ${names.join(", ")}`}
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

/** Each event once for each of its entries that can't be applied, with the projections that can't. */
function byEntry(projections: Projection[]): (SetAside & { names: string[] })[] {
  const events = new Map<string, SetAside & { names: string[] }>();
  for (const { name, set_aside } of projections) {
    for (const one of set_aside) {
      const key = `${one.event_id} ${one.position}`;
      const found = events.get(key);
      if (found === undefined) events.set(key, { ...one, names: [name] });
      else found.names.push(name);
    }
  }
  return [...events.values()];
}
