/** One denoising as it is now, kept up to date by the gateway's events. */
import { clone } from "@bufbuild/protobuf";
import { denoisings } from "../../api/clients";
import { follow } from "../../api/watch";
import { type Denoising, DenoisingSchema, DenoisingState } from "../../gen/clearstack/v1/denoising_pb";
import type { Event } from "../../gen/clearstack/v1/event_pb";

const OVER = new Set([DenoisingState.COMPLETE, DenoisingState.FAILED, DenoisingState.CANCELLED]);
export const isOver = (denoising: Denoising): boolean => OVER.has(denoising.state);

export class DenoisingRun {
  denoising = $state.raw<Denoising | undefined>();
  away = $state("");

  constructor(readonly name: string) {}

  start(): () => void {
    return follow<Denoising>({
      open: (afterSequence, signal) => denoisings.watchDenoising({ name: this.name, afterSequence }, { signal }),
      onSnapshot: (denoising) => (this.denoising = denoising),
      onEvent: (event) => this.#take(event),
      onAway: (message) => (this.away = message),
      isOver: () => this.denoising !== undefined && isOver(this.denoising),
    });
  }

  #take(event: Event): void {
    if (event.kind.case === "slicesDenoised") return this.#advance(event.kind.value);
    void denoisings.getDenoising({ name: this.name }).then(({ denoising }) => (this.denoising = denoising), () => {});
  }

  #advance({ rangeStart, doneCount }: { rangeStart: number; doneCount: number }): void {
    if (!this.denoising) return;
    const denoising = clone(DenoisingSchema, this.denoising);
    for (const range of denoising.ranges) if (range.start === rangeStart) range.doneCount = Math.max(range.doneCount, doneCount);
    denoising.slicesDoneCount = denoising.ranges.reduce((sum, range) => sum + range.doneCount, 0);
    this.denoising = denoising;
  }
}
