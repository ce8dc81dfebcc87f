/** The upload under way. It goes on while the person looks at other pages of this tab. */
import type { Stack } from "../gen/clearstack/v1/stack_service_pb";
import { stacks } from "./clients";
import { isAborted, trouble } from "./errors";
import { sendFile } from "./sending";

export class Upload {
  done = $state(0);
  phase = $state<"sending" | "checking" | "ready" | "refused">("sending");
  message = $state("");
  stack = $state("");
  readonly #stopper = new AbortController();

  constructor(readonly file: File) {}

  async run(): Promise<Stack | undefined> {
    try {
      this.stack = await sendFile(this.file, (done) => (this.done = done), this.#stopper.signal);
      this.phase = "checking";
      const { stack } = await stacks.finalizeStack({ name: this.stack, sizeBytes: BigInt(this.file.size) });
      this.phase = "ready";
      return stack;
    } catch (error) {
      this.phase = "refused";
      this.message = isAborted(error) ? "The upload was stopped." : trouble(error).message;
      return undefined;
    }
  }

  stop(): void {
    this.#stopper.abort();
  }
}

class Uploads {
  current = $state.raw<Upload | undefined>();

  async start(file: File): Promise<Stack | undefined> {
    this.current?.stop();
    const upload = new Upload(file);
    this.current = upload;
    const stack = await upload.run();
    if (stack && this.current === upload) this.current = undefined;
    return stack;
  }

  forget(): void {
    this.current?.stop();
    this.current = undefined;
  }
}

export const uploads = new Uploads();
