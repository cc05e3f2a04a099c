import { CloseButton, TextInput, type TextInputProps } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { tablesText } from "@/shared/strings/tables";

const TYPING_MILLISECONDS = 250;

interface Props extends Omit<TextInputProps, "value" | "onChange" | "label"> {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** A search field. Calls `onChange` when typing pauses. */
export function SearchField({ label, value, onChange, ...input }: Props) {
  const [typed, setTyped] = useState(value);
  const [seen, setSeen] = useState(value);
  const search = useDebouncedCallback(onChange, TYPING_MILLISECONDS);
  if (value !== seen) {
    setSeen(value);
    if (value !== typed.trim()) setTyped(value);
  }
  const type = (text: string) => {
    setTyped(text);
    search(text.trim());
  };
  return (
    <TextInput
      maxLength={200}
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={18} aria-hidden />}
      rightSection={typed !== "" && <CloseButton aria-label={tablesText.clearSearch} onClick={() => type("")} />}
      value={typed}
      onChange={({ currentTarget }) => type(currentTarget.value)}
      {...input}
    />
  );
}
