/** What can be shown: a stack, or what was taken away from one. */
export type LayerId = "noisy" | "stage1" | "stage2" | "residual";

export interface Layer {
  id: LayerId;
  label: string;
  stack: string;
  /** Of a residual: the result that is subtracted from `stack`. */
  minus?: string;
}

/** The layers of an input and its results, in their order; the residual is the last result's. */
export function layersOf(input: string, results: { label: string; stack: string }[]): Layer[] {
  const ids = ["stage1", "stage2"] as const;
  const layers: Layer[] = [{ id: "noisy", label: results.length ? "Noisy" : "Stack", stack: input }];
  results.forEach((result, index) => layers.push({ id: ids[index] ?? "stage2", label: result.label, stack: result.stack }));
  const last = results.at(-1);
  if (last) layers.push({ id: "residual", label: "Residual", stack: input, minus: last.stack });
  return layers;
}
