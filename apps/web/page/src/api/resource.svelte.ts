/** Something that is fetched and shown: what it is, that it is on its way, or what went wrong. */
import { isAborted, trouble, type Trouble } from "./errors";

export class Resource<T> {
  value = $state.raw<T | undefined>();
  problem = $state.raw<Trouble | undefined>();
  busy = $state(false);
  #attempt = 0;

  /** Fetches; a later call wins over an earlier one. What was there stays until the new answer has come. */
  async load(fetch: () => Promise<T>): Promise<T | undefined> {
    const attempt = ++this.#attempt;
    this.busy = true;
    try {
      const value = await fetch();
      if (attempt !== this.#attempt) return undefined;
      this.value = value;
      this.problem = undefined;
      return value;
    } catch (error) {
      if (attempt === this.#attempt && !isAborted(error)) this.problem = trouble(error);
      return undefined;
    } finally {
      if (attempt === this.#attempt) this.busy = false;
    }
  }

  clear(): void {
    this.#attempt += 1;
    this.value = this.problem = undefined;
    this.busy = false;
  }
}
