import { ActionIcon, Anchor, Badge, Code, Stack, Table, Text } from "@mantine/core";
import { IconChevronDown, IconChevronUp } from "@tabler/icons-react";
import { memo, useState } from "react";
import { Link } from "react-router";

import type { Entry } from "@/shared/api/generated/model";
import { formatCount } from "@/shared/formatting/counts";
import { formatTimestamp } from "@/shared/formatting/durations";

import { InclusionProof } from "../proofs/inclusion-proof";
import { colourEntryType, describeEntry, nameEntryType } from "./entry-types";
import { entriesText } from "./strings";

const { columns } = entriesText;
const COLUMNS = Object.keys(columns).length;
const SHORT = 8;

interface Props {
  entry: Entry;
  onActor: (actorId: string) => void;
}

export const EntryRow = memo(
  function EntryRow({ entry, onActor }: Props) {
    const [isOpen, setIsOpen] = useState(false);
    const { position, at, type, event_id, actor_id } = entry;
    const Chevron = isOpen ? IconChevronUp : IconChevronDown;
    return (
      <>
        <Table.Tr>
          <Table.Th scope="row" ta={{ sm: "end" }}>
            {formatCount(position)}
          </Table.Th>
          <Table.Td data-label={columns.at}>
            <Text size="sm">{at === null ? "" : formatTimestamp(at)}</Text>
          </Table.Td>
          <Table.Td data-label={columns.type}>
            <TypeBadge type={type} />
          </Table.Td>
          <Table.Td data-label={columns.details} maw={{ sm: 260 }}>
            <Text size="sm" lineClamp={2}>
              {describeEntry(entry)}
            </Text>
          </Table.Td>
          <Table.Td data-label={columns.event}>
            <Anchor
              component={Link}
              to={`/ledger/events/${event_id}?at=${position}`}
              ff="monospace"
              size="sm"
              aria-label={entriesText.history(event_id)}
            >
              {event_id.slice(0, SHORT)}
            </Anchor>
          </Table.Td>
          <Table.Td data-label={columns.actor}>
            {actor_id === null ? (
              <Text size="sm" c="dimmed">
                {entriesText.nobody}
              </Text>
            ) : (
              <Anchor
                component="button"
                type="button"
                ff="monospace"
                size="sm"
                aria-label={entriesText.onlyActor(actor_id)}
                onClick={() => onActor(actor_id)}
              >
                {actor_id.slice(0, SHORT)}
              </Anchor>
            )}
          </Table.Td>
          <Table.Td data-label={columns.body}>
            <ActionIcon
              variant="default"
              size={32}
              aria-expanded={isOpen}
              aria-label={isOpen ? entriesText.hide(position) : entriesText.show(position)}
              onClick={() => setIsOpen(!isOpen)}
            >
              <Chevron size={18} aria-hidden />
            </ActionIcon>
          </Table.Td>
        </Table.Tr>
        {isOpen && (
          <Table.Tr>
            <Table.Td colSpan={COLUMNS}>
              <Stack gap="sm" w="100%">
                <Code
                  block
                  tabIndex={0}
                  role="region"
                  aria-label={entriesText.bodyOf(position)}
                  mah={420}
                  ta="start"
                  style={{ overflow: "auto" }}
                >
                  {JSON.stringify(entry, null, 2)}
                </Code>
                <InclusionProof position={position} />
              </Stack>
            </Table.Td>
          </Table.Tr>
        )}
      </>
    );
  },
  (before, now) => before.entry === now.entry,
);

export function TypeBadge({ type }: { type: string }) {
  return (
    <Badge variant="light" tt="none" color={colourEntryType(type)}>
      {nameEntryType(type)}
    </Badge>
  );
}
