/** A model's files on their way to the installation. */
import type { Model } from "../gen/clearstack/v1/model_service_pb";
import { models } from "./clients";
import { put } from "./put";

/** Sends the files, each under the name of what it is in a model, and has them checked. */
export async function importModel(files: Map<string, File>, report: (share: number) => void): Promise<Model> {
  const total = [...files.values()].reduce((sum, file) => sum + file.size, 0);
  const { import: name, links } = await models.createModelImport({ requestId: crypto.randomUUID(), fileNames: [...files.keys()] });
  let done = 0;
  for (const link of links) {
    const file = files.get(link.path);
    if (!file) continue;
    await put(link.url, file, (sent) => report((done + sent) / total), new AbortController().signal);
    done += file.size;
  }
  report(1);
  const { model } = await models.finalizeModelImport({ import: name });
  return model!;
}
