/** What the person has set differently from the preset: `stage1.epochs` → "20", as it stands in the address. */
import { fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { MaskExtractorConfigSchema, StageConfigSchema, type TrainingConfig, TrainingConfigSchema } from "../../gen/clearstack/v1/config_pb";
import { type Parameter, ParameterKind } from "../../gen/clearstack/v1/training_service_pb";

export type Group = "stage1" | "stage2" | "mask";
export type Overrides = Map<string, string>;

const SCHEMAS = { stage1: StageConfigSchema, stage2: StageConfigSchema, mask: MaskExtractorConfigSchema };

/** Those of an address's query that a method with these groups has. */
export const overridesOf = (entries: [string, string][], groups: Group[]): Overrides =>
  new Map(entries.filter(([key]) => key === "seed" || groups.some((group) => key.startsWith(`${group}.`))));

const fieldOf = (group: Group, name: string) => SCHEMAS[group].fields.find((field) => field.name === name);

/** A config that holds the overrides alone, and what is no value of its field, by the field's path in a request. */
export function configOf(overrides: Overrides): { config: TrainingConfig; wrong: Map<string, string> } {
  const json: Record<string, JsonObject | JsonValue> = {};
  const wrong = new Map<string, string>();
  for (const [key, text] of overrides) {
    const [group, name] = key.split(".") as [Group, string | undefined];
    const part = name ? { [group]: { [name]: typed(text) } } : { [key]: typed(text) };
    try {
      fromJson(TrainingConfigSchema, part as JsonObject);
    } catch {
      wrong.set(`config.${key}`, `${text || "nothing"} is not a value of this field`);
      continue;
    }
    if (name) json[group] = { ...(json[group] as JsonObject | undefined), [name]: typed(text) };
    else json[key] = typed(text);
  }
  return { config: fromJson(TrainingConfigSchema, json as JsonObject), wrong };
}

function typed(text: string): JsonValue {
  if (text === "on" || text === "off") return text === "on";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** A parameter's value in a config as it stands in a form; "" = not known yet. */
export function valueOf(config: TrainingConfig | undefined, group: Group, parameter: Parameter): string {
  const field = fieldOf(group, parameter.name);
  const part = config?.[group] as unknown as Record<string, unknown> | undefined;
  const value = field && part?.[field.localName];
  if (value === undefined) return "";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (field?.enum) return field.enum.value[value as number]?.name ?? "";
  return String(value);
}

/** The values that a choice has: what is sent, and what a person reads. */
export function choicesOf(group: Group, parameter: Parameter): { value: string; text: string }[] {
  const values = fieldOf(group, parameter.name)?.enum?.values ?? [];
  const known = values.filter((value) => value.number > 0);
  const prefix = `${parameter.name.toUpperCase()}_`;
  return known.map((value) => ({ value: value.name, text: words(value.name.replace(prefix, "")) }));
}

const words = (name: string): string => {
  const plain = name.toLowerCase().replaceAll("_", " ");
  return plain.charAt(0).toUpperCase() + plain.slice(1);
};
export const labelOf = (parameter: Parameter): string => words(parameter.name);

export const rangeOf = (parameter: Parameter): string =>
  parameter.kind === ParameterKind.INTEGER || parameter.kind === ParameterKind.NUMBER
    ? `${parameter.minimum} to ${parameter.maximum.toLocaleString("en")}${parameter.unit ? ` ${parameter.unit}` : ""}` : "";
