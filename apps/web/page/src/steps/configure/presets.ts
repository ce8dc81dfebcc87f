/** Presets as they stand in addresses. */
import { Preset } from "../../gen/clearstack/v1/config_pb";

const TEXTS: [string, Preset][] = [["fast", Preset.FAST], ["balanced", Preset.BALANCED], ["high-quality", Preset.HIGH_QUALITY]];

export const presetOf = (text: string): Preset => TEXTS.find(([name]) => name === text)?.[1] ?? Preset.BALANCED;
export const presetText = (preset: Preset): string => TEXTS.find(([, value]) => value === preset)?.[0] ?? "";
