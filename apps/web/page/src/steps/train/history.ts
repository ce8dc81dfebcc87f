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

/** Where the validation loss is smallest; -1 = nowhere yet. */
export const bestIndex = (losses: Losses): number =>
  losses.validation.reduce((best, value, index) => (best < 0 || value < losses.validation[best]! ? index : best), -1);
