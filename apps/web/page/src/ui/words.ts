/** Numbers, times and enum values in words, as the command line says them. */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Method, Mode, Preset } from "../gen/clearstack/v1/config_pb";
import { DenoisingState } from "../gen/clearstack/v1/denoising_pb";
import { MaskPattern } from "../gen/clearstack/v1/mask_pb";
import { StageState, TrainingState } from "../gen/clearstack/v1/training_pb";

const MINUTE = 60, HOUR = 3600, DAY = 86_400;

export const methodName = (method: Method): string =>
  ({ [Method.N2V]: "N2V", [Method.AUTOSTRUCTN2V]: "autoStructN2V", [Method.UNSPECIFIED]: "" })[method];

export const modeName = (mode: Mode): string =>
  ({ [Mode.MODE_2D]: "2D", [Mode.MODE_2_5D]: "2.5D", [Mode.MODE_UNSPECIFIED]: "" })[mode];

export const presetName = (preset: Preset): string =>
  ({ [Preset.FAST]: "Fast", [Preset.BALANCED]: "Balanced", [Preset.HIGH_QUALITY]: "High quality",
     [Preset.UNSPECIFIED]: "" })[preset];

const TRAINING_STATES: Record<TrainingState, string> = {
  [TrainingState.UNSPECIFIED]: "", [TrainingState.QUEUED]: "Queued", [TrainingState.TRAINING]: "Training",
  [TrainingState.DENOISING]: "Denoising", [TrainingState.EXTRACTING_MASK]: "Extracting mask",
  [TrainingState.AWAITING_REVIEW]: "Awaiting review", [TrainingState.COMPLETE]: "Complete",
  [TrainingState.FAILED]: "Failed", [TrainingState.CANCELLED]: "Cancelled",
};
export const trainingState = (state: TrainingState): string => TRAINING_STATES[state] ?? "";

const STAGE_STATES: Record<StageState, string> = {
  [StageState.UNSPECIFIED]: "", [StageState.PENDING]: "Pending", [StageState.TRAINING]: "Training",
  [StageState.COMPLETE]: "Complete", [StageState.FAILED]: "Failed", [StageState.CANCELLED]: "Cancelled",
  [StageState.SKIPPED]: "Skipped",
};
export const stageState = (state: StageState): string => STAGE_STATES[state] ?? "";

const DENOISING_STATES: Record<DenoisingState, string> = {
  [DenoisingState.UNSPECIFIED]: "", [DenoisingState.DENOISING]: "Denoising",
  [DenoisingState.ASSEMBLING]: "Putting the file together", [DenoisingState.COMPLETE]: "Complete",
  [DenoisingState.FAILED]: "Failed", [DenoisingState.CANCELLED]: "Cancelled",
  [DenoisingState.REPORTING]: "Writing the report",
};
export const denoisingState = (state: DenoisingState): string => DENOISING_STATES[state] ?? "";

const PATTERNS: Record<MaskPattern, string> = {
  [MaskPattern.UNSPECIFIED]: "", [MaskPattern.NONE]: "None", [MaskPattern.HORIZONTAL]: "Horizontal",
  [MaskPattern.VERTICAL]: "Vertical", [MaskPattern.DIAGONAL]: "Diagonal", [MaskPattern.GRID]: "Grid",
  [MaskPattern.ISOTROPIC]: "Isotropic", [MaskPattern.IRREGULAR]: "Irregular",
};
export const patternName = (pattern: MaskPattern): string => PATTERNS[pattern] ?? "";

/** A resource's id: `trainings/abc` → `abc`. */
export const short = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

/** For example `12.3 MB`. */
export function size(bytes: number | bigint): string {
  let value = Number(bytes);
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 1000) return unit === "B" ? `${value.toFixed(0)} B` : `${value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

/** Three digits, without an exponent where people would not write one: `6,420`, `0.0312`. */
export function amount(value: number): string {
  if (value === 0) return "0";
  const positive = Math.abs(value);
  if (positive < 1e-3 || positive >= 1e6) return value.toPrecision(3);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(positive)));
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** For example `1 min 20 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${String(whole % MINUTE).padStart(2, "0")} s`;
  return `${Math.floor(whole / HOUR)} h ${String(Math.floor((whole % HOUR) / MINUTE)).padStart(2, "0")} min`;
}

const milliseconds = (stamp: Timestamp): number => Number(stamp.seconds) * 1000 + stamp.nanos / 1e6;

/** Local date and time. */
export const moment = (stamp: Timestamp | undefined): string =>
  stamp ? new Date(milliseconds(stamp)).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "";

/** For example `5 min ago`. */
export function age(stamp: Timestamp | undefined, now = Date.now()): string {
  if (!stamp) return "";
  const seconds = Math.max(0, (now - milliseconds(stamp)) / 1000);
  if (seconds < MINUTE) return "just now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  return `${Math.floor(seconds / DAY)} d ago`;
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
