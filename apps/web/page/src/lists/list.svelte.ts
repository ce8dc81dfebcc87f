/** A list of the gateway's, page by page, filtered there. */
import { isAborted, trouble } from "../api/errors";

export interface Wish { filter: string; pageToken: string; pageSize: number }
export type Fetch<T> = (wish: Wish) => Promise<{ items: T[]; nextPageToken: string }>;

const PAGE = 50, PAUSE_MS = 200;

export class ListState<T extends { name: string }> {
  items = $state.raw<T[] | undefined>();
  problem = $state("");
  busy = $state(false);
  more = $state("");
  #filter = "";
  #attempt = 0;

  constructor(private readonly fetch: Fetch<T>) {}

  /** Shows what the filter leaves; waits a moment for the next letter. Returns what calls it off. */
  show(filter: string): () => void {
    const wait = this.#attempt && filter !== this.#filter ? PAUSE_MS : 0;
    this.#filter = filter;
    const timer = setTimeout(() => void this.refresh(), wait);
    return () => clearTimeout(timer);
  }

  async refresh(): Promise<void> {
    const pageSize = Math.max(PAGE, this.items?.length ?? 0);
    await this.#load(pageSize, "", (found) => found);
  }

  async next(): Promise<void> {
    await this.#load(PAGE, this.more, (found) => [...(this.items ?? []), ...found]);
  }

  without(name: string): void {
    this.items = this.items?.filter((item) => item.name !== name);
  }

  async #load(pageSize: number, pageToken: string, merged: (found: T[]) => T[]): Promise<void> {
    const attempt = ++this.#attempt;
    this.busy = true;
    try {
      const { items, nextPageToken } = await this.fetch({ filter: this.#filter, pageToken, pageSize });
      if (attempt !== this.#attempt) return;
      this.items = merged(items);
      this.more = nextPageToken;
      this.problem = "";
    } catch (error) {
      if (attempt === this.#attempt && !isAborted(error)) this.problem = trouble(error).message;
    }
    if (attempt === this.#attempt) this.busy = false;
  }
}
