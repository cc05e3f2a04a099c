import { ActionIcon, Anchor, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { flushSync } from "react-dom";

import { promoCodesText as text } from "@/shared/strings/promo-codes";

import type { PromoCode } from "./use-promo-code";

const LONGEST = 100;

interface Props {
  promo: PromoCode;
  /** Said at the field, which then has the focus. */
  problem: string | null;
  /** It can be read, and not changed. */
  isFixed: boolean;
}

/** The field of a promo code, and the button that opens it. */
export function PromoCodeField({ promo, problem, isFixed }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (promo.focusCount > 0) input.current?.focus();
  }, [promo.focusCount]);
  useEffect(() => {
    if (problem !== null) input.current?.focus();
  }, [problem]);
  const remove = () => {
    flushSync(promo.remove);
    opener.current?.focus();
  };

  if (!promo.isOpen && problem === null) {
    return (
      <Anchor ref={opener} component="button" type="button" size="sm" w="fit-content" onClick={promo.open}>
        {text.have}
      </Anchor>
    );
  }
  return (
    <TextInput
      ref={input}
      label={text.label}
      autoComplete="off"
      autoCapitalize="characters"
      spellCheck={false}
      maxLength={LONGEST}
      readOnly={isFixed}
      value={promo.entered}
      error={problem}
      onChange={({ currentTarget }) => promo.set(currentTarget.value)}
      rightSection={
        <ActionIcon variant="subtle" color="gray" aria-label={text.remove} disabled={isFixed} onClick={remove}>
          <IconX size={18} aria-hidden />
        </ActionIcon>
      }
    />
  );
}
