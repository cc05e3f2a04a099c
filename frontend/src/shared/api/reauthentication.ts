/** Asks the user for the password again. Resolves to whether it was given. */
type Ask = () => Promise<boolean>;

/** The dialog is a chunk of its own, which may still be loading. */
const LONGEST_WAIT_MILLISECONDS = 5_000;

let ask: Ask | null = null;
let asking: Promise<boolean> | null = null;
const waiting = new Set<() => void>();

/** Sets who asks; returns the function that takes it back. */
export function setReauthentication(next: Ask): () => void {
  ask = next;
  for (const proceed of waiting) proceed();
  waiting.clear();
  return () => {
    if (ask === next) ask = null;
  };
}

/** Requests that need the password at the same time ask for it once. */
export function reauthenticate(): Promise<boolean> {
  asking ??= askWhenReady().finally(() => {
    asking = null;
  });
  return asking;
}

async function askWhenReady(): Promise<boolean> {
  if (ask === null) {
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      setTimeout(resolve, LONGEST_WAIT_MILLISECONDS);
    });
  }
  return ask === null ? false : ask();
}
