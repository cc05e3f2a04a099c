import { TextInput, type TextInputProps } from "@mantine/core";

import type { EventForm } from "./use-event-form";

interface Props extends Omit<TextInputProps, "form"> {
  form: EventForm;
  path: string;
  /** Parses an entry into the API's notation. */
  plain: (typed: string | number) => string | number;
}

/** A number field. It keeps the entry as typed, and shows the parsed number on blur. */
export function NumberField({ form, path, plain, ...rest }: Props) {
  const { onBlur, ...input } = form.getInputProps(path) as TextInputProps & { value: string | number };
  return (
    <TextInput
      inputMode="numeric"
      autoComplete="off"
      {...rest}
      {...input}
      onBlur={(event) => {
        onBlur?.(event);
        const understood = plain(input.value);
        if (understood !== input.value) form.setFieldValue(path, understood);
      }}
    />
  );
}
