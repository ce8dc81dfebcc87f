/** The losses of a stage, epoch by epoch, out of the events of a training. */
import type { EpochCompleted } from "../../gen/clearstack/v1/event_pb";

export interface Losses {
  attempt: number;
  epochs: number[];
  training: number[];
  validation: number[];
}

export const noLosses = (): Losses => ({ attempt: 0, epochs: [], training: [], validation: [] });

/** The history with one more epoch. A stage that was begun anew, or resumed from a checkpoint, overwrites what it repeats. */
export function withEpoch(losses: Losses, done: EpochCompleted): Losses {
  const progress = done.progress;
  if (!progress || done.attempt < losses.attempt) return losses;
  const kept = done.attempt > losses.attempt ? 0 : losses.epochs.filter((epoch) => epoch < progress.epoch).length;
  return {
    attempt: done.attempt,
    epochs: [...losses.epochs.slice(0, kept), progress.epoch],
    training: [...losses.training.slice(0, kept), progress.trainingLoss],
    validation: [...losses.validation.slice(0, kept), progress.validationLoss],
  };
}

/** The epoch whose network is kept; -1 = none yet. The trainer says its loss: it need not be the smallest of all, as what
 * a loss measures changes when a stage has measured its noise. */
export const bestIndex = (losses: Losses, best: number | undefined): number =>
  best === undefined ? -1 : losses.validation.findLastIndex((value) => Math.abs(value - best) <= 1e-9 * Math.abs(best));
