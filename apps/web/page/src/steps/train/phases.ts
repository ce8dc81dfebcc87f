/** The guide's phases out of a training's record. */
import { Method } from "../../gen/clearstack/v1/config_pb";
import { StageState, type StageStatus, type Training, TrainingState } from "../../gen/clearstack/v1/training_pb";
import { stageState } from "../../ui/words";

export type Kind = "plain" | "live" | "good" | "warn" | "bad";
export interface PhaseState { text: string; kind: Kind; open: boolean }

const KINDS: Partial<Record<StageState, Kind>> = {
  [StageState.TRAINING]: "live", [StageState.COMPLETE]: "good", [StageState.FAILED]: "bad",
  [StageState.CANCELLED]: "warn", [StageState.SKIPPED]: "plain",
};

const OPEN = new Set([StageState.TRAINING, StageState.FAILED, StageState.CANCELLED]);

export function stagePhase(stage: StageStatus, training: Training): PhaseState {
  const lone = training.method === Method.N2V;
  const next = training.state === TrainingState.TRAINING && training.stages.find((each) => each.state === StageState.PENDING);
  return { text: stageState(stage.state), kind: KINDS[stage.state] ?? "plain", open: lone || OPEN.has(stage.state) || next === stage };
}

export function maskPhase(training: Training): PhaseState {
  const state = training.state;
  if (state === TrainingState.EXTRACTING_MASK) return { text: "Looking for structure", kind: "live", open: true };
  if (state === TrainingState.AWAITING_REVIEW) return { text: "Waits for your review", kind: "warn", open: true };
  const second = training.stages.find((stage) => stage.number === 2);
  if (training.mask?.revision && second?.state === StageState.SKIPPED) return { text: "Stage 2 skipped", kind: "plain", open: false };
  if (training.mask?.revision) return { text: "Approved", kind: "good", open: false };
  return { text: "Pending", kind: "plain", open: false };
}

const DOING: Partial<Record<TrainingState, string>> = {
  [TrainingState.QUEUED]: "Waits for its turn: one training computes at a time",
  [TrainingState.TRAINING]: "A network is being trained. You can leave this page; nothing is lost.",
  [TrainingState.DENOISING]: "The stack is being denoised with what was learnt.",
  [TrainingState.EXTRACTING_MASK]: "Looking for structure in the noise.",
  [TrainingState.AWAITING_REVIEW]: "The mask waits for your review, as long as it takes.",
  [TrainingState.COMPLETE]: "Your stack is denoised.",
  [TrainingState.CANCELLED]: "Cancelled; there is no result.",
};

export function doing(training: Training): string {
  if (training.state === TrainingState.QUEUED && training.queuePosition > 0) {
    return `${DOING[training.state]}. Number ${training.queuePosition} in the queue.`;
  }
  return DOING[training.state] ?? "";
}
