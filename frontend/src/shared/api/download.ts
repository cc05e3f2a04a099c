import { client } from "./http";
import { toApiError } from "./problem";

const FILE_NAME = /filename="([^"]+)"/;
/** How long the browser may take to start reading what it is given to save. */
const KEPT_MILLISECONDS = 60_000;

/**
 * Saves an answer of the API as a file, named as the API names it, else `otherwise`. `accept` is the media type that is asked for.
 * Throws ApiError.
 */
export async function download(path: string, accept: string, parameters: object, otherwise: string): Promise<void> {
  try {
    const answer = await client.get<Blob>(path, {
      params: parameters,
      headers: { Accept: accept },
      responseType: "blob",
      timeout: 0, // a long ledger takes its time
    });
    const disposition: unknown = answer.headers["content-disposition"];
    const name = typeof disposition === "string" ? FILE_NAME.exec(disposition)?.[1] : undefined;
    save(answer.data, name ?? otherwise);
  } catch (error) {
    throw toApiError(error);
  }
}

function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MILLISECONDS);
}
