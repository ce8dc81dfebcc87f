/** Bytes to a presigned link, with progress; `fetch` cannot tell how much has been sent. */
import { Code, ConnectError } from "@connectrpc/connect";
import { relayed } from "./links";

export function put(url: string, body: Blob, report: (sent: number) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (message: string): void => reject(new ConnectError(message, Code.Unavailable));
    request.open("PUT", relayed(url));
    request.upload.onprogress = (event) => report(event.loaded);
    request.onload = () => (request.status < 300 ? resolve() : fail(`The store refused the bytes (${request.status}).`));
    request.onerror = () => fail("The connection was lost while the file was sent.");
    request.onabort = () => reject(new ConnectError("stopped", Code.Canceled));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}
