import { Alert, Button, Group, Radio, SimpleGrid, Text, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { IconAlertTriangle } from "@tabler/icons-react";

import { BoxOfficeMethod, RefundMethod } from "@/shared/api/generated/model";
import { NewTabSignIn } from "@/shared/feedback/new-tab-sign-in";
import { paymentsText as text } from "@/shared/strings/payments";

export interface MoneyValues<Method extends RefundMethod = RefundMethod> {
  kind: Method;
  amount: string;
  reference: string;
  /** That what is more than owed is given back. */
  isAgreed: boolean;
}

/** Of a payment or a refund. */
export type MoneyForm = UseFormReturnType<MoneyValues> | UseFormReturnType<MoneyValues<BoxOfficeMethod>>;

const REFERENCE_LENGTH = 64;

interface MethodProps {
  form: MoneyForm;
  isFixed: boolean;
  methods?: readonly RefundMethod[];
}

/** How money changes hands, and the reference of it; of what a provider pays back, it knows the reference. */
export function MethodFields({ form, isFixed, methods = Object.values(BoxOfficeMethod) }: MethodProps) {
  return (
    <>
      <Radio.Group label={text.method} readOnly={isFixed} {...form.getInputProps("kind")}>
        <SimpleGrid cols={2} mt="xs" spacing="xs" maw={340}>
          {methods.map((kind) => (
            <Radio key={kind} value={kind} label={text.methods[kind]} />
          ))}
        </SimpleGrid>
      </Radio.Group>
      {form.values.kind !== RefundMethod.original && (
        <TextInput
          label={text.reference}
          description={text.referenceHint}
          maxLength={REFERENCE_LENGTH}
          autoComplete="off"
          readOnly={isFixed}
          {...form.getInputProps("reference")}
        />
      )}
    </>
  );
}

interface AmountProps {
  label: string;
  /** Formatted. */
  amount: string;
}

/** What is due or owed, in large type. */
export function MoneyAmount({ label, amount }: AmountProps) {
  return (
    <div>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fz={28} fw={800} lh={1.2} data-testid="money-amount">
        {amount}
      </Text>
    </div>
  );
}

interface ActionsProps {
  problem: string | null;
  isSignedOut: boolean;
  submit: string;
  isRecording: boolean;
  cancel: string;
  onCancel: (() => void) | undefined;
}

export function MoneyActions({ problem, isSignedOut, submit, isRecording, cancel, onCancel }: ActionsProps) {
  return (
    <>
      {problem !== null && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert">
          {problem} {isSignedOut && <NewTabSignIn />}
        </Alert>
      )}
      <Group justify="flex-end" gap="xs">
        {onCancel !== undefined && (
          <Button variant="default" onClick={onCancel}>
            {cancel}
          </Button>
        )}
        <Button type="submit" loading={isRecording}>
          {submit}
        </Button>
      </Group>
    </>
  );
}
