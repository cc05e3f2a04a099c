import { client } from "./http";
import { toApiError } from "./problem";

const FILE_NAME = /filename="([^"]+)"/;
/** How long an object URL is kept, for the browser to start reading it. */
const KEPT_MILLISECONDS = 60_000;

/**
 * Downloads an API response as a file, under the name that the API gives it, else `otherwise`. `accept` is a media type; `headers`
 * are sent besides. Throws ApiError.
 */
export async function download(
  path: string,
  accept: string,
  parameters: object,
  otherwise: string,
  headers: Record<string, string> = {},
): Promise<void> {
  try {
    const answer = await client.get<Blob>(path, {
      params: parameters,
      headers: { Accept: accept, ...headers },
      responseType: "blob",
      timeout: 0, // a long ledger takes its time
    });
    const disposition: unknown = answer.headers["content-disposition"];
    const name = typeof disposition === "string" ? FILE_NAME.exec(disposition)?.[1] : undefined;
    saveFile(answer.data, name ?? otherwise);
  } catch (error) {
    throw toApiError(error);
  }
}

/** Downloads what the page has, as a file. */
export function saveFile(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MILLISECONDS);
}
