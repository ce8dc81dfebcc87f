/** One training as it is now and as it went, kept up to date by the gateway's events. */
import { clone } from "@bufbuild/protobuf";
import { trainings } from "../../api/clients";
import { follow } from "../../api/watch";
import type { Event } from "../../gen/clearstack/v1/event_pb";
import { StageState, type Training, TrainingSchema, TrainingState } from "../../gen/clearstack/v1/training_pb";
import { type Losses, noLosses, withEpoch } from "./history";

const OVER = new Set([TrainingState.COMPLETE, TrainingState.FAILED, TrainingState.CANCELLED]);
export const isOver = (training: Training): boolean => OVER.has(training.state);

export class TrainingRun {
  training = $state.raw<Training | undefined>();
  losses = $state.raw<Record<number, Losses>>({});
  away = $state("");
  #asking = false;
  #askAgain = false;
  #drawing = 0;
  #pending: Record<number, Losses> = {};
  #stop: () => void = () => {};

  constructor(readonly name: string) {}

  start(): () => void {
    this.#stop = follow<Training>({
      open: (afterSequence, signal) => trainings.watchTraining({ name: this.name, afterSequence }, { signal }),
      onSnapshot: (training) => (this.training = training),
      onEvent: (event) => this.#take(event),
      onBeat: () => this.training?.state === TrainingState.QUEUED && void this.refresh(),
      onAway: (message) => (this.away = message),
      isOver: () => this.training !== undefined && isOver(this.training),
    });
    return () => this.#stop();
  }

  /** A training that is over can go on: a mask that was extracted anew, a step that was tried again. */
  again(training: Training | undefined): void {
    if (training) this.training = training;
    this.#stop();
    this.start();
  }

  /** Asks what is; of many wishes in a row the first and the last count. */
  async refresh(): Promise<void> {
    if (this.#asking) return void (this.#askAgain = true);
    this.#asking = true;
    try {
      const { training } = await trainings.getTraining({ name: this.name });
      this.training = training;
    } catch {
      // The watching says that the installation is away, and asks again.
    } finally {
      this.#asking = false;
    }
    if (this.#askAgain) {
      this.#askAgain = false;
      await this.refresh();
    }
  }

  #take(event: Event): void {
    if (event.kind.case === "epochCompleted") this.#epoch(event.kind.value);
    else if (event.kind.case === "epochAdvanced") this.#advance(event.kind.value);
    else void this.refresh();
  }

  #epoch(done: Extract<Event["kind"], { case: "epochCompleted" }>["value"]): void {
    const known = this.#pending[done.stage] ?? noLosses();
    this.#pending = { ...this.#pending, [done.stage]: withEpoch(known, done) };
    // A replayed history comes in one burst: it is drawn once.
    cancelAnimationFrame(this.#drawing);
    this.#drawing = requestAnimationFrame(() => (this.losses = this.#pending));
    this.#askAbout(done.stage);
    this.#fold((stage) => {
      const newer = done.attempt > stage.attempt || (done.attempt === stage.attempt && (done.progress?.epoch ?? 0) > (stage.progress?.epoch ?? 0));
      if (stage.number !== done.stage || !newer) return;
      stage.progress = done.progress;
      stage.running = undefined;
    });
  }

  #advance(done: Extract<Event["kind"], { case: "epochAdvanced" }>["value"]): void {
    this.#askAbout(done.stage);
    this.#fold((stage) => {
      const newer = done.attempt >= stage.attempt && (done.running?.epoch ?? 0) > (stage.progress?.epoch ?? 0);
      if (stage.number === done.stage && newer) stage.running = done.running;
    });
  }

  /** What a stage has begun with came before the record said so. */
  #askAbout(number: number): void {
    const stage = this.training?.stages.find((each) => each.number === number);
    if (stage?.state === StageState.PENDING) void this.refresh();
  }

  #fold(change: (stage: Training["stages"][number]) => void): void {
    if (!this.training) return;
    const training = clone(TrainingSchema, this.training);
    training.stages.forEach(change);
    this.training = training;
  }
}
