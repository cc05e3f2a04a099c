import { Button, Center, Grid, Group, Loader, Paper, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconCamera, IconCameraOff, IconScan } from "@tabler/icons-react";
import { lazy, Suspense, useRef, useState, type RefObject, type SyntheticEvent } from "react";

import type { Event } from "@/shared/api/generated/model";

import { ClosedEvent, useEvent } from "../event-layout/event-layout";
import { CheckInResultPanel } from "./check-in-result-panel";
import { CheckInTotals } from "./check-in-totals";
import { DuePayment } from "./due-payment";
import { checkInText } from "./strings";
import { useCheckIn } from "./use-check-in";

const text = checkInText;

// Decoding is a large script, loaded when the camera is turned on.
const Camera = lazy(async () => ({ default: (await import("./camera")).Camera }));

export function CheckInPage() {
  const event = useEvent();
  return event.status === "active" ? (
    <CheckInDesk event={event} />
  ) : (
    <ClosedEvent event={event} status={event.status} />
  );
}

function CheckInDesk({ event }: { event: Event }) {
  const { checkIn, isChecking, shown, totals, clear } = useCheckIn(event);
  const field = useRef<HTMLInputElement>(null);
  const [isCameraOn, setIsCameraOn] = useState(false);

  return (
    <Grid gap="lg">
      <Grid.Col span={{ base: 12, md: 8 }}>
        <Stack gap="lg">
          <CheckInResultPanel shown={shown} isChecking={isChecking} />
          {shown?.due !== undefined && !isChecking && (
            <DuePayment
              key={shown.at}
              event={event}
              code={shown.code}
              due={shown.due}
              onPaid={() => {
                checkIn(shown.code);
                field.current?.focus();
              }}
            />
          )}
          <Paper withBorder p={{ base: "md", sm: "lg" }}>
            <Stack gap="md">
              <Title order={2} size="h3">
                {text.title}
              </Title>
              <CodeField field={field} onCode={checkIn} isChecking={isChecking} />
              <Button
                variant="default"
                w="fit-content"
                leftSection={
                  isCameraOn ? <IconCameraOff size={18} aria-hidden /> : <IconCamera size={18} aria-hidden />
                }
                aria-pressed={isCameraOn}
                onClick={() => setIsCameraOn(!isCameraOn)}
              >
                {isCameraOn ? text.camera.off : text.camera.on}
              </Button>
              {isCameraOn && (
                <Suspense
                  fallback={
                    <Center mih={200}>
                      <Loader aria-label={text.camera.loading} />
                    </Center>
                  }
                >
                  <Camera onCode={checkIn} />
                </Suspense>
              )}
            </Stack>
          </Paper>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 4 }}>
        <CheckInTotals totals={totals} onClear={clear} />
      </Grid.Col>
    </Grid>
  );
}

interface CodeProps {
  field: RefObject<HTMLInputElement | null>;
  onCode: (code: string) => void;
  isChecking: boolean;
}

/** Cleared and focused after each code, for typing or for a keyboard-wedge scanner. */
function CodeField({ field, onCode, isChecking }: CodeProps) {
  const [code, setCode] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    field.current?.focus();
    if (isChecking || code.trim() === "") return;
    onCode(code);
    setCode("");
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="sm">
        <TextInput
          ref={field}
          flex="1 1 220px"
          size="md"
          label={text.code}
          description={
            <Text span inherit>
              {text.codeHint}
            </Text>
          }
          leftSection={<IconScan size={20} aria-hidden />}
          data-autofocus
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          maxLength={100}
          value={code}
          onChange={({ currentTarget }) => setCode(currentTarget.value)}
        />
        <Button type="submit" size="md">
          {text.check}
        </Button>
      </Group>
    </form>
  );
}
