import { Alert, Anchor, Button, Divider, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useEffect, useRef, type ReactNode } from "react";
import { Link } from "react-router";

import { signInPath } from "@/shared/navigation/return-path";

import { eventsText } from "./strings";
import type { useGuest } from "./use-guest";

const text = eventsText.guest;

interface Props {
  guest: ReturnType<typeof useGuest>;
  /** Where signing in leads back to. */
  returnPath: string;
  quantity: number;
  isSending: boolean;
  isFixed: boolean;
  /** Under the button. */
  hint: string;
  /** The link to sign in instead. */
  signIn?: string;
  /** What the button says: at the last step, and at the last one after a code. */
  actions?: { book: string; confirm: string };
  /** What else is asked for, before the button. */
  children?: ReactNode;
}

/** Who books without an account, the button to do so, and the link to sign in instead. */
export function GuestFields(props: Props) {
  const { guest, returnPath, quantity, isSending, isFixed, hint, signIn = eventsText.booking.signIn } = props;
  const { book, confirm } = props.actions ?? { book: eventsText.booking.book(quantity), confirm: text.confirm };
  const { values, errors, step } = guest;
  const field = (name: "name" | "email") => ({
    value: values[name],
    error: errors[name],
    readOnly: isFixed,
    onChange: ({ currentTarget }: { currentTarget: HTMLInputElement }) => guest.set(name, currentTarget.value),
  });
  return (
    <Stack gap="md">
      <TextInput label={text.name} autoComplete="name" maxLength={200} {...field("name")} />
      <TextInput
        label={text.email}
        description={guest.needsCode ? text.emailHint.proven : text.emailHint.open}
        type="email"
        autoComplete="email"
        {...field("email")}
      />
      {step === "code" && <CodeField guest={guest} />}
      {props.children}
      {guest.problem !== null && (
        <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} role="alert">
          {guest.problem}
        </Alert>
      )}
      <Stack gap={6}>
        <Button type="submit" size="md" loading={isSending || guest.isSending} disabled={quantity === 0}>
          {step === "code" ? confirm : guest.needsCode ? text.sendCode : book}
        </Button>
        <Text size="sm" c="dimmed" ta="center" role="status">
          {hint}
        </Text>
      </Stack>
      <Divider label={text.or} />
      <Anchor component={Link} to={signInPath(returnPath)} size="sm" ta="center" underline="always">
        {signIn}
      </Anchor>
    </Stack>
  );
}

/** The code that was mailed. It has the focus as soon as it is there, and when it is wrong. */
function CodeField({ guest }: Pick<Props, "guest">) {
  const input = useRef<HTMLInputElement>(null);
  const wrong = guest.errors.code;
  useEffect(() => input.current?.focus(), [wrong]);
  return (
    <Stack gap={6}>
      <TextInput
        ref={input}
        label={text.code}
        description={text.codeHint(guest.values.email.trim())}
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={20}
        value={guest.values.code}
        error={wrong}
        onChange={({ currentTarget }) => guest.set("code", currentTarget.value)}
      />
      <Group>
        <Button variant="subtle" size="compact-sm" onClick={guest.sendCode} disabled={guest.isSending}>
          {text.sendAgain}
        </Button>
      </Group>
    </Stack>
  );
}
