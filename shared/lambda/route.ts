import middy from "@middy/core";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { translate } from "../aws/translate";
import { ClowderError } from "../errors";
import { type Caller, callerOf } from "./caller";
import { type Environment, readEnvironment } from "./environment";
import { PROBLEM_TYPE, problemOf, unexpected } from "./problem";

export interface Request {
  /** As text, `""` where none was sent. */
  body: string;
  query: Record<string, string>;
  path: Record<string, string>;
  /** Names in lower case. */
  headers: Record<string, string>;
  caller: Caller;
  now: Date;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** A string and bytes go out as they are, with a content-type of their own; anything else as JSON. */
  body: object | string | Uint8Array;
}

let environment: Environment | undefined;

/**
 * A handler of an API Gateway HTTP API (payload 2.0). What the work throws leaves as problem+json: our errors with their
 * status, AWS's as one of ours, all else as a 500 that tells nothing. Faults of ours are logged, one JSON line each.
 */
export function route(work: (request: Request, environment: Environment) => Promise<Answer>) {
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Error>()
    .onError((failed) => {
      failed.response = problemAnswer(failed.error, failed.event);
    })
    .handler(async (event: APIGatewayProxyEventV2) => {
      const request = toRequest(event);
      environment ??= readEnvironment();
      return toResult(await work(request, environment));
    });
}

/** HTTP API sends every body in base64 but text, JSON and XML: `curl --data-binary` and `application/yaml` too. */
function toRequest(event: APIGatewayProxyEventV2): Request {
  const { body = "", isBase64Encoded, queryStringParameters, pathParameters, headers } = event;
  return {
    body: isBase64Encoded ? Buffer.from(body, "base64").toString() : body,
    query: defined(queryStringParameters),
    path: defined(pathParameters),
    headers: defined(headers),
    caller: callerOf(event),
    now: new Date(),
  };
}

const defined = (values: Record<string, string | undefined> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined));

function toResult({ status, headers, body }: Answer): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
    ...(body instanceof Uint8Array
      ? { body: Buffer.from(body).toString("base64"), isBase64Encoded: true }
      : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  };
}

function problemAnswer(thrown: unknown, event: APIGatewayProxyEventV2): APIGatewayProxyStructuredResultV2 {
  const { requestId, http } = event.requestContext;
  const occurrence = { path: event.rawPath, requestId };
  const error = fromAws(thrown) ? translate(thrown) : thrown;
  const known = error instanceof ClowderError;
  const problem = known ? problemOf(error, occurrence) : unexpected(occurrence);
  if (problem.status >= 500) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const at = { requestId, method: http.method, path: event.rawPath };
    console.error(JSON.stringify({ level: "error", ...at, error: name, message, ...(!known && { stack }) }));
  }
  const headers: Record<string, string> = { "content-type": PROBLEM_TYPE };
  if (known && error.retryAfterSeconds) headers["retry-after"] = String(error.retryAfterSeconds);
  return toResult({ status: problem.status, headers, body: problem });
}

const fromAws = (error: unknown): boolean => error instanceof Error && "$metadata" in error;
