/** Parses a position or a time for the API; null if it is neither. A time without an offset is in the browser's time zone. */
export function parsePointInTime(typed: string): number | string | null {
  const text = typed.trim();
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const looksRight = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text);
  const milliseconds = looksRight ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(" ", "T")) : NaN;
  return Number.isNaN(milliseconds) ? null : new Date(milliseconds).toISOString();
}
