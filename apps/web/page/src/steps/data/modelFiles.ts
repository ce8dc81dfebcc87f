/** What each file is in a model, by its name: configuration, weights in their order, mask; or one archive. */
import { Method } from "../../gen/clearstack/v1/config_pb";

const WEIGHTS = /\.(pth|pt|safetensors)$/i;

export function named(files: File[]): Map<string, File> {
  const parts = new Map<string, File>();
  const archive = files.find((file) => /\.zip$/i.test(file.name));
  if (archive) return parts.set("archive.zip", archive);
  const config = files.find((file) => /\.json$/i.test(file.name) && !/mask/i.test(file.name));
  if (config) parts.set("config.json", config);
  weightsInOrder(files).forEach((file, index) => {
    const suffix = /\.safetensors$/i.test(file.name) ? "safetensors" : "pth";
    parts.set(`stage${index + 1}/weights.${suffix}`, file);
  });
  const mask = files.find((file) => /\.npy$/i.test(file.name));
  if (mask) parts.set("mask/mask.npy", mask);
  return parts;
}

/** Names that hold a stage's number go by it; others by the order in which they were chosen. */
function weightsInOrder(files: File[]): File[] {
  const weights = files.filter((file) => WEIGHTS.test(file.name)).slice(0, 2);
  const stage = (file: File): number => (/(stage|step|s)[ _-]?2/i.test(file.name) ? 2 : 1);
  return weights.sort((a, b) => stage(a) - stage(b));
}

/** What is still needed, in words; "" = nothing. */
export function missing(parts: Map<string, File>, method: Method): string {
  if (parts.has("archive.zip")) return "";
  const has = (start: string): boolean => [...parts.keys()].some((part) => part.startsWith(start));
  return [
    has("config") ? "" : "the configuration (.json)",
    has("stage1") ? "" : "the weights of stage 1 (.pth)",
    has("stage2") || method === Method.N2V ? "" : "the weights of stage 2 (.pth)",
  ].filter(Boolean).join(", ");
}
