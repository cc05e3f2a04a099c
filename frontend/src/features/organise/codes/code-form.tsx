import {
  Alert,
  Button,
  Checkbox,
  Group,
  Paper,
  Radio,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
  type TextInputProps,
} from "@mantine/core";
import { useForm, type UseFormReturnType } from "@mantine/form";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useEffect, useRef } from "react";

import type { Event, MadeCodes } from "@/shared/api/generated/model";
import { NewTabSignIn } from "@/shared/feedback/new-tab-sign-in";
import { DateTimeField } from "@/shared/forms/date-time-field";
import { focusFirstInvalid } from "@/shared/forms/focus-first-invalid";

import classes from "./code-form.module.css";
import { CODE_LENGTH, EMPTY, PREFIX_LENGTH, toNewCodes, validateCodes, type CodeValues } from "./code-values";
import { codesText } from "./strings";
import { useCodeMaking } from "./use-code-making";

const text = codesText.form;
const EFFECTS = ["percent", "fixed", "access"] as const;
const KINDS = ["word", "many"] as const;

type CodeForm = UseFormReturnType<CodeValues>;

interface Props {
  event: Event;
  onMade: (made: MadeCodes) => void;
  onCancel: () => void;
}

/** A new batch of promo codes. */
export function NewCodesForm({ event, onMade, onCancel }: Props) {
  const element = useRef<HTMLFormElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []); // the button that opened it is gone
  const form = useForm<CodeValues>({
    initialValues: EMPTY,
    validate: (values) => validateCodes(values, event, Date.now()),
    validateInputOnBlur: true,
  });
  const { make, isMaking, problem, isSignedOut } = useCodeMaking(event.id, onMade, (errors) => {
    form.setErrors(errors);
    if (element.current !== null) focusFirstInvalid(element.current);
  });
  const submit = form.onSubmit(
    (values) => make(toNewCodes(values, event)),
    (_, __, submitted) => {
      if (submitted?.currentTarget instanceof HTMLFormElement) focusFirstInvalid(submitted.currentTarget);
    },
  );

  return (
    <Paper withBorder p={{ base: "md", sm: "xl" }} component="section" aria-labelledby="new-codes" maw={860}>
      <form ref={element} onSubmit={submit} noValidate>
        <Stack gap="lg">
          <Title order={3} id="new-codes" ref={heading} tabIndex={-1} data-page-heading>
            {codesText.add}
          </Title>
          <EffectFields form={form} event={event} />
          <KindFields form={form} />
          <TimeFields form={form} timeZone={event.timezone} />
          {problem !== null && (
            <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert">
              {problem} {isSignedOut && <NewTabSignIn />}
            </Alert>
          )}
          <Group>
            <Button type="submit" loading={isMaking}>
              {text.submit}
            </Button>
            <Button variant="default" onClick={onCancel} disabled={isMaking}>
              {text.cancel}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}

/** What the codes do, and for which categories. */
function EffectFields({ form, event }: { form: CodeForm; event: Event }) {
  const { effect } = form.values;
  return (
    <>
      <Radio.Group label={text.effect} {...form.getInputProps("effect")}>
        <SimpleGrid cols={{ base: 1, sm: 3 }} mt="xs">
          {EFFECTS.map((value) => (
            <Radio key={value} value={value} label={text.effects[value].label} description={text.effects[value].hint} />
          ))}
        </SimpleGrid>
      </Radio.Group>
      {effect !== "access" && (
        <EntryField
          form={form}
          path="value"
          label={effect === "percent" ? text.percent : text.amount(event.currency)}
          inputMode="decimal"
          maw={260}
          {...(effect === "percent" ? { rightSection: "%" } : {})}
        />
      )}
      {event.categories.length > 1 && (
        <Checkbox.Group
          label={text.categories}
          description={effect === "access" ? text.accessHint : text.categoriesHint}
          {...form.getInputProps("categories")}
        >
          <Group className={classes.categories ?? ""} mt="xs">
            {event.categories.map(({ id, name }) => (
              <Checkbox key={id} value={id} label={name} className={classes.category ?? ""} />
            ))}
          </Group>
        </Checkbox.Group>
      )}
    </>
  );
}

/** One code that is chosen, or many that are generated; and for how many tickets each is good. */
function KindFields({ form }: { form: CodeForm }) {
  const { kind } = form.values;
  return (
    <>
      <Radio.Group label={text.kind} {...form.getInputProps("kind")}>
        <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs">
          {KINDS.map((value) => (
            <Radio key={value} value={value} label={text.kinds[value].label} description={text.kinds[value].hint} />
          ))}
        </SimpleGrid>
      </Radio.Group>
      <SimpleGrid cols={{ base: 1, sm: kind === "word" ? 2 : 3 }}>
        {kind === "word" ? (
          <EntryField
            form={form}
            path="code"
            label={text.code}
            description={text.codeHint}
            maxLength={CODE_LENGTH.most}
            autoCapitalize="characters"
            spellCheck={false}
          />
        ) : (
          <>
            <EntryField form={form} path="count" label={text.count} description={text.countHint} inputMode="numeric" />
            <EntryField
              form={form}
              path="prefix"
              label={text.prefix}
              description={text.prefixHint}
              maxLength={PREFIX_LENGTH.most}
              autoCapitalize="characters"
              spellCheck={false}
            />
          </>
        )}
        <EntryField
          form={form}
          path="max_tickets"
          label={text.maxTickets}
          description={text.maxTicketsHint}
          inputMode="numeric"
        />
      </SimpleGrid>
    </>
  );
}

function TimeFields({ form, timeZone }: { form: CodeForm; timeZone: string }) {
  return (
    <div>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <DateTimeField
          label={text.validFrom}
          description={text.validFromHint}
          clearable
          {...form.getInputProps("valid_from")}
        />
        <DateTimeField
          label={text.validUntil}
          description={text.validUntilHint}
          clearable
          {...form.getInputProps("valid_until")}
        />
      </SimpleGrid>
      <Text size="sm" c="dimmed" mt={6}>
        {text.zone(timeZone)}
      </Text>
    </div>
  );
}

interface EntryProps extends Omit<TextInputProps, "form"> {
  form: CodeForm;
  path: keyof CodeValues;
}

function EntryField({ form, path, ...rest }: EntryProps) {
  return <TextInput autoComplete="off" {...rest} {...form.getInputProps(path)} />;
}
