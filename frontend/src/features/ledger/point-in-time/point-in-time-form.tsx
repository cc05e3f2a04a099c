import { Button, Group, TextInput } from "@mantine/core";
import { useState, type SyntheticEvent } from "react";

import { parsePointInTime } from "./parse-point-in-time";
import { pointInTimeText } from "./strings";

const text = pointInTimeText;

/** A form for any position or time, of an entry of this event or not. */
export function PointInTimeForm({
  onGo,
  problem,
}: {
  onGo: (moment: number | string) => void;
  problem: string | null;
}) {
  const [typed, setTyped] = useState("");
  const [isInvalid, setIsInvalid] = useState(false);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const moment = parsePointInTime(typed);
    setIsInvalid(moment === null);
    if (moment !== null) onGo(moment);
  };
  return (
    <form onSubmit={submit} noValidate>
      <Group align="flex-start" gap="sm">
        <TextInput
          flex="1 1 240px"
          maw={420}
          label={text.label}
          description={text.hint}
          inputWrapperOrder={["label", "input", "description", "error"]}
          maxLength={40}
          error={isInvalid ? text.invalid : problem}
          value={typed}
          onChange={({ currentTarget }) => {
            setTyped(currentTarget.value);
            setIsInvalid(false);
          }}
        />
        <Button type="submit" variant="default" mt={{ base: 0, xs: 25 }}>
          {text.go}
        </Button>
      </Group>
    </form>
  );
}
