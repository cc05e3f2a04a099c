import { TextInput, type TextInputProps } from "@mantine/core";

import type { EventForm } from "./use-event-form";

interface Props extends Omit<TextInputProps, "form"> {
  form: EventForm;
  path: string;
  /** What is typed, as the API writes it. */
  plain: (typed: string | number) => string | number;
}

/** A field of the form for a number. It keeps what is typed, and shows on leaving it how that was understood. */
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
