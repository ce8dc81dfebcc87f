/** What went wrong, as a person should read it, and where it belongs. */
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import { token } from "./session.svelte";

export interface Trouble {
  message: string;
  /** A value of ErrorReason without its prefix; empty = not from the gateway. */
  reason: string;
  /** What is wrong with which field of the request. */
  fields: Map<string, string>;
  /** Whether the same call may succeed in a moment. */
  passing: boolean;
}

const PASSING = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Aborted, Code.Unknown]);

export function trouble(error: unknown): Trouble {
  const failure = ConnectError.from(error);
  const info = failure.findDetails(ErrorInfoSchema)[0];
  const reason = info?.reason ?? "";
  const violations = failure.findDetails(BadRequestSchema).flatMap((each) => each.fieldViolations);
  if (reason === "NOT_SIGNED_IN") token.wanted = true;
  return {
    message: sentence(failure),
    reason,
    fields: new Map(violations.map((each) => [each.field, each.description])),
    passing: PASSING.has(failure.code) && reason !== "ETAG_MISMATCH",
  };
}

export const isAborted = (error: unknown): boolean =>
  ConnectError.from(error).code === Code.Canceled || (error instanceof DOMException && error.name === "AbortError");

export const isMissing = (error: unknown): boolean => ConnectError.from(error).code === Code.NotFound;

function sentence(failure: ConnectError): string {
  if (failure.rawMessage === "Failed to fetch" || failure.rawMessage.includes("NetworkError")) {
    return "The installation does not answer. It is tried again as long as this page is open.";
  }
  return failure.rawMessage || "Something went wrong, and the installation did not say what.";
}
