import { useState } from "react";

/** A promo code that is entered on demand. `initial`: what was entered before; `onChange` is told of each change. */
export function usePromoCode(initial = "", onChange: (code: string) => void = () => undefined) {
  const [code, setCode] = useState(initial);
  const [isOpen, setIsOpen] = useState(initial !== "");
  const [focusCount, setFocusCount] = useState(0);
  const set = (entered: string) => {
    setCode(entered);
    onChange(entered);
  };
  return {
    /** As it is entered. */
    entered: code,
    /** As it is sent; empty: none. */
    code: code.trim(),
    isOpen,
    /** Rises each time the field is to have the focus. */
    focusCount,
    set: (entered: string) => {
      setIsOpen(true);
      set(entered);
    },
    open: () => {
      setIsOpen(true);
      setFocusCount((count) => count + 1);
    },
    remove: () => {
      setIsOpen(false);
      set("");
    },
  };
}

export type PromoCode = ReturnType<typeof usePromoCode>;
