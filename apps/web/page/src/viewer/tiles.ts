/** Tiles of slices, fetched when they are wanted and kept while there is room; never a whole stack. */
import { stacks } from "../api/clients";
import { isAborted } from "../api/errors";
import { SampleFormat } from "../gen/clearstack/v1/stack_service_pb";

export interface Tile { height: number; width: number; values: Float32Array }
export interface Place { slice: number; level: number; column: number; row: number }

const MOST_TILES = 384, MOST_AT_ONCE = 6, MOST_WAITING = 96;

export class TileStore {
  readonly #tiles = new Map<string, Tile>();
  readonly #wanted = new Map<string, { run: () => void; stopper: AbortController }>();
  readonly #running = new Map<string, Promise<Tile | undefined>>();

  /** @param onTile Called when a tile has come. */
  constructor(private readonly onTile: () => void) {}

  /** The tile if it is there; it is fetched otherwise. */
  peek(stack: string, place: Place): Tile | undefined {
    const key = keyOf(stack, place);
    const tile = this.#tiles.get(key);
    if (tile) {
      this.#tiles.delete(key);
      this.#tiles.set(key, tile);
      return tile;
    }
    if (!this.#running.has(key) && !this.#wanted.has(key)) void this.#queue(key, stack, place);
    return undefined;
  }

  /** The tile, once it is there. */
  async get(stack: string, place: Place): Promise<Tile | undefined> {
    const key = keyOf(stack, place);
    return this.#tiles.get(key) ?? this.#running.get(key) ?? this.#fetch(key, stack, place);
  }

  #queue(key: string, stack: string, place: Place): void {
    const stopper = new AbortController();
    // What was wanted last is seen now; what waits too long is no longer looked at.
    this.#wanted.set(key, { run: () => void this.#fetch(key, stack, place), stopper });
    if (this.#wanted.size > MOST_WAITING) this.#wanted.delete(this.#wanted.keys().next().value!);
    this.#next();
  }

  #next(): void {
    while (this.#running.size < MOST_AT_ONCE && this.#wanted.size) {
      const key = [...this.#wanted.keys()].at(-1)!;
      const wish = this.#wanted.get(key)!;
      this.#wanted.delete(key);
      wish.run();
    }
  }

  #fetch(key: string, stack: string, place: Place): Promise<Tile | undefined> {
    const request = stacks.getStackTile({ name: stack, ...place }).then(
      (answer) => {
        const tile = { height: answer.height, width: answer.width, values: brightness(answer) };
        this.#tiles.set(key, tile);
        if (this.#tiles.size > MOST_TILES) this.#tiles.delete(this.#tiles.keys().next().value!);
        return tile;
      },
      (error: unknown) => {
        if (!isAborted(error)) console.warn("A tile could not be fetched", place);
        return undefined;
      },
    ).finally(() => {
      this.#running.delete(key);
      this.#next();
      this.onTile();
    });
    this.#running.set(key, request);
    return request;
  }
}

const keyOf = (stack: string, { slice, level, column, row }: Place): string => `${stack}|${slice}|${level}|${column}|${row}`;

function brightness(answer: { samples: Uint8Array; format: SampleFormat; scale: number; offset: number }): Float32Array {
  const bytes = answer.samples.slice().buffer;
  const raw = answer.format === SampleFormat.UINT16 ? new Uint16Array(bytes) : new Float32Array(bytes);
  const values = new Float32Array(raw.length);
  for (let i = 0; i < raw.length; i++) values[i] = raw[i]! * answer.scale + answer.offset;
  return values;
}
