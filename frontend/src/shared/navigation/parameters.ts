const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether a parameter of an address, which anybody can type, is an id. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The one of the values that a parameter names; null: none. */
export function oneOf<T extends string>(values: Readonly<Record<string, T>>, text: string | null): T | null {
  return Object.values(values).find((value) => value === text) ?? null;
}
