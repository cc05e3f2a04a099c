import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

import { focusFirstInvalid } from "./focus-first-invalid";

/** Focuses the first invalid field of a form once the errors that were just set are drawn: an answer may come between two renders. */
export function useFocusInvalid(): { element: RefObject<HTMLFormElement | null>; focusInvalid: () => void } {
  const element = useRef<HTMLFormElement>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (asked > 0 && element.current !== null) focusFirstInvalid(element.current);
  }, [asked]);
  const focusInvalid = useCallback(() => setAsked((before) => before + 1), []);
  return { element, focusInvalid };
}
