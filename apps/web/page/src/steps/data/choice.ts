/** Method and mode as they stand in addresses. */
import { Method, Mode } from "../../gen/clearstack/v1/config_pb";

export const methodText = (method: Method): string => (method === Method.AUTOSTRUCTN2V ? "autostructn2v" : "n2v");
export const modeText = (mode: Mode): "2d" | "2.5d" => (mode === Mode.MODE_2_5D ? "2.5d" : "2d");

export const methodOf = (text: string): Method =>
  text === "autostructn2v" ? Method.AUTOSTRUCTN2V : text === "n2v" ? Method.N2V : Method.UNSPECIFIED;
export const modeOf = (text: string): Mode =>
  text === "2.5d" ? Mode.MODE_2_5D : text === "2d" ? Mode.MODE_2D : Mode.MODE_UNSPECIFIED;
