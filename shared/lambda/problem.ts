import type { ClowderError, Problem } from "../errors";

/** RFC 9457 problem details, with the extensions that programs read. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  /** The same request may succeed later. */
  retryable: boolean;
  /** The caller can mend it. */
  userError: boolean;
  problems?: Problem[];
  nextStep?: string;
  requestId: string;
}

export const PROBLEM_TYPE = "application/problem+json";

/** Where a request went, as the answer to it names it. */
export interface Occurrence {
  path: string;
  requestId: string;
}

/** A fault of ours is named by code and request only: its message may hold ARNs and addresses that are not the caller's. */
export function problemOf(error: ClowderError, { path, requestId }: Occurrence): ProblemDetails {
  const ours = error.blame === "clowder" && error.status >= 500;
  return {
    type: `urn:clowder:problem:${error.name}`,
    title: titleOf(error.name),
    status: error.status,
    detail: ours ? ourFault(requestId) : error.message,
    instance: path,
    code: error.name,
    retryable: error.blame === "transient",
    userError: error.blame === "user",
    ...("problems" in error && { problems: error.problems as Problem[] }),
    ...(error.nextStep && { nextStep: error.nextStep }),
    requestId,
  };
}

/** For whatever is none of ours: says nothing of what went wrong. */
export function unexpected({ path, requestId }: Occurrence): ProblemDetails {
  return {
    type: "about:blank",
    title: "Internal Server Error",
    status: 500,
    detail: ourFault(requestId),
    instance: path,
    code: "Unexpected",
    retryable: false,
    userError: false,
    requestId,
  };
}

const ourFault = (requestId: string) => `the fault is this service's; its log tells of request ${requestId}`;

/** `ClusterNotFound` as `Cluster not found`. */
const titleOf = (code: string) => code.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
