/** Follows a run to its end: every event once and in order, whatever happens to the connection. */
import type { Event } from "../gen/clearstack/v1/event_pb";
import { isAborted, isMissing, trouble } from "./errors";

interface Item<Run> {
  item:
    | { case: "snapshot"; value: Run }
    | { case: "event"; value: Event }
    | { case: "heartbeat"; value: unknown }
    | { case: undefined; value?: undefined };
  sequence: bigint;
}

export interface Follower<Run> {
  open: (afterSequence: bigint, signal: AbortSignal) => AsyncIterable<Item<Run>>;
  onSnapshot: (run: Run) => void;
  onEvent: (event: Event) => void;
  onBeat?: () => void;
  /** Called with the reason while the installation is away, and with "" when it is back. */
  onAway: (message: string) => void;
  isOver: () => boolean;
}

const FIRST_WAIT_MS = 400, LONGEST_WAIT_MS = 5000;

/** Returns what stops the following. */
export function follow<Run>(follower: Follower<Run>): () => void {
  const stopper = new AbortController();
  void run(follower, stopper.signal);
  return () => stopper.abort();
}

async function run<Run>(follower: Follower<Run>, signal: AbortSignal): Promise<void> {
  let sequence = 0n, wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      for await (const message of follower.open(sequence, signal)) {
        follower.onAway("");
        wait = FIRST_WAIT_MS;
        if (message.item.case === "snapshot") follower.onSnapshot(message.item.value);
        if (message.item.case === "heartbeat") follower.onBeat?.();
        if (message.item.case === "event") {
          sequence = message.sequence > sequence ? message.sequence : sequence;
          follower.onEvent(message.item.value);
        }
      }
      if (follower.isOver()) return;
    } catch (error) {
      if (signal.aborted || isAborted(error)) return;
      follower.onAway(trouble(error).message);
      if (isMissing(error)) return;
    }
    await pause(wait, signal);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
