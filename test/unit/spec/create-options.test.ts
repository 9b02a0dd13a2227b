import type { InvalidManifest } from "../../../shared/errors";
import { readCreateOptions } from "../../../shared/spec/create-options";
import { deployment } from "./manifests";

const problemsOf = (query: Record<string, string>, ttl = deployment.ttl): unknown => {
  try {
    return readCreateOptions(query, { ...deployment, ttl });
  } catch (error) {
    return (error as InvalidManifest).problems;
  }
};

test("without a query the deployment's defaults hold", () => {
  expect(readCreateOptions({}, deployment)).toEqual({ dryRun: false, substituteImage: false, ttlSeconds: 3600, onFailure: "delete" });
});

test("everything can be asked for", () => {
  const query = { dryRun: "true", substituteImage: "", ttl: "1h30m", onFailure: "keep", configBase: "s3://mine" };

  expect(readCreateOptions(query, deployment)).toEqual({
    dryRun: true,
    substituteImage: true,
    ttlSeconds: 5400,
    onFailure: "keep",
    configBase: "s3://mine",
  });
});

test.each([
  ["4h", 14400],
  ["90m", 5400],
  ["1m", 60],
  ["48h", 172800],
])("ttl %s is %i seconds", (ttl, seconds) => {
  expect(readCreateOptions({ ttl }, deployment).ttlSeconds).toBe(seconds);
});

test("no end is for deployments that allow it", () => {
  expect(problemsOf({ ttl: "none" })).toEqual([{ path: "?ttl", message: "must end: this deployment allows at most 48h" }]);
  expect(problemsOf({ ttl: "none" }, { ...deployment.ttl, allowNone: true })).toMatchObject({ ttlSeconds: "none" });
});

test.each([
  ["49h", "must be at most 48h, this deployment's cap"],
  ["0m", "must be at least 1m"],
  ["", "must be a duration such as 4h, 90m or 1h30m"],
  ["90", "must be a duration such as 4h, 90m or 1h30m"],
  ["-1h", "must be a duration such as 4h, 90m or 1h30m"],
])("ttl %j is refused", (ttl, message) => {
  expect(problemsOf({ ttl })).toEqual([{ path: "?ttl", message }]);
});

test("every problem is told at once, and what was meant", () => {
  expect(problemsOf({ dryrun: "true", xyz: "1", substituteImage: "yes", onFailure: "explode", configBase: "" })).toEqual([
    { path: "?dryrun", message: "is unknown; did you mean dryRun?" },
    { path: "?xyz", message: "is unknown; the parameters are dryRun, configBase, substituteImage, ttl, onFailure" },
    { path: "?substituteImage", message: "must be true or false" },
    { path: "?onFailure", message: "must be delete or keep" },
    { path: "?configBase", message: "must be a bucket's name or s3://bucket/cluster" },
  ]);
});
