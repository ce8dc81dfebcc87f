/** A file on its way to the installation, in parts, taken up again where it was cut off. */
import { stacks } from "./clients";
import { isAborted, isMissing, trouble } from "./errors";
import { put } from "./put";

const MOST_FAILURES = 8, FIRST_WAIT_MS = 500;

/** Sends a file; returns the name of its stack, which is still to be finalized. */
export async function sendFile(file: File, report: (done: number) => void, signal: AbortSignal): Promise<string> {
  const name = await announced(file);
  let failures = 0;
  while (true) {
    try {
      const { links, arrivedBytes } = await stacks.listStackUploadLinks({ name, sizeBytes: BigInt(file.size) }, { signal });
      if (!links.length) return forget(file), name;
      let done = Number(arrivedBytes);
      report(done);
      for (const link of links) {
        const [start, size] = [Number(link.offset), Number(link.sizeBytes)];
        await put(link.url, file.slice(start, start + size), (sent) => report(done + sent), signal);
        done += size;
        failures = 0;
      }
    } catch (error) {
      if (isAborted(error) || signal.aborted || !trouble(error).passing || ++failures > MOST_FAILURES) throw error;
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** Math.min(failures, 4)));
    }
  }
}

/** The stack that this file was being sent to, also before the page was loaded anew; or else a new one. */
async function announced(file: File): Promise<string> {
  const known = localStorage.getItem(key(file));
  if (known) {
    try {
      await stacks.listStackUploadLinks({ name: known, sizeBytes: BigInt(file.size) });
      return known;
    } catch (error) {
      if (!isMissing(error) && trouble(error).passing) throw error;
    }
  }
  const { stack } = await stacks.createStack({ displayName: file.name, requestId: crypto.randomUUID() });
  const name = stack?.name ?? "";
  localStorage.setItem(key(file), name);
  return name;
}

const key = (file: File): string => `clearstack.upload.${file.name}.${file.size}.${file.lastModified}`;
const forget = (file: File): void => localStorage.removeItem(key(file));
