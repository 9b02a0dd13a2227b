import { InvalidManifest, type Problem } from "../errors";
import type { CreateOptions, Deployment } from "./deployment";
import { readDuration } from "./duration";
import { nearest } from "./nearest";

type Query = Record<string, string | undefined>;
type Fault = (message: string) => undefined;

const NAMES = ["dryRun", "configBase", "substituteImage", "ttl", "onFailure"];

/**
 * Reads the query string of `POST /clusters`. Unknown names are refused: a misspelt `dryRun` must not make a cluster.
 * @throws InvalidManifest with every problem; paths are `?name`
 */
export function readCreateOptions(query: Query, deployment: Deployment): CreateOptions {
  const problems: Problem[] = [];
  const at =
    (name: string): Fault =>
    (message) =>
      void problems.push({ path: `?${name}`, message });
  for (const name of Object.keys(query)) if (!NAMES.includes(name)) at(name)(unknownName(name));
  const options: CreateOptions = {
    dryRun: flag(query["dryRun"], at("dryRun")),
    substituteImage: flag(query["substituteImage"], at("substituteImage")),
    ttlSeconds: ttl(query["ttl"], deployment.ttl, at("ttl")) ?? deployment.ttl.defaultSeconds,
    onFailure: query["onFailure"] === "keep" ? "keep" : "delete",
    ...(query["configBase"] !== undefined && { configBase: query["configBase"] }),
  };
  if (!["delete", "keep", undefined].includes(query["onFailure"])) at("onFailure")("must be delete or keep");
  if (query["configBase"] === "") at("configBase")("must be a bucket's name or s3://bucket/cluster");
  if (problems.length > 0) throw new InvalidManifest(problems);
  return options;
}

function unknownName(name: string): string {
  const meant = nearest(name, NAMES);
  return meant ? `is unknown; did you mean ${meant}?` : `is unknown; the parameters are ${NAMES.join(", ")}`;
}

/** A bare `?dryRun` counts as true: who writes it means it. */
function flag(value: string | undefined, fault: Fault): boolean {
  if (value !== undefined && !["", "true", "false"].includes(value)) fault("must be true or false");
  return value !== undefined && value !== "false";
}

function ttl(value: string | undefined, limits: Deployment["ttl"], fault: Fault): CreateOptions["ttlSeconds"] | undefined {
  if (value === undefined) return undefined;
  if (value === "none") return limits.allowNone ? "none" : fault(`must end: this deployment allows at most ${duration(limits.capSeconds)}`);
  const seconds = readDuration(value);
  if (seconds === undefined) return fault("must be a duration such as 4h, 90m or 1h30m");
  if (seconds < 60) return fault("must be at least 1m");
  if (seconds > limits.capSeconds) return fault(`must be at most ${duration(limits.capSeconds)}, this deployment's cap`);
  return seconds;
}

function duration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return `${hours ? `${hours}h` : ""}${minutes || !hours ? `${minutes}m` : ""}`;
}
