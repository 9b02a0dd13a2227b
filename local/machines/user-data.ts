import { stages } from "../../shared/health/beacon";

/** What a machine finds in its user data, as the product's stub exports it. */
export interface Setup {
  region: string;
  bucket: string;
  /** `clowder/<uid>/`. */
  prefix: string;
  role: keyof typeof stages;
  /** Object key of its script. */
  script: string;
  scriptSha256: string;
  nodeKey: string;
}

/**
 * Reads the stub's `export CLOWDER_NAME='value'` lines, quoting undone, as a shell would.
 * @throws Error naming the variable that is missing or wrong
 */
export function readUserData(base64: string): Setup {
  const text = Buffer.from(base64, "base64").toString();
  const exported = new Map(
    [...text.matchAll(/^export CLOWDER_([A-Z0-9_]+)='((?:[^']|'\\'')*)'/gm)].map(([, name, value]) => [name, value!.replaceAll("'\\''", "'")]),
  );
  const read = (name: string): string => {
    const value = exported.get(name);
    if (!value) throw new Error(`the user data does not export CLOWDER_${name}`);
    return value;
  };
  const role = read("ROLE");
  if (!Object.hasOwn(stages, role)) throw new Error(`CLOWDER_ROLE is '${role}', not one of ${Object.keys(stages).join(", ")}`);
  return {
    region: read("REGION"),
    bucket: read("BUCKET"),
    prefix: read("PREFIX"),
    role: role as Setup["role"],
    script: read("SCRIPT"),
    scriptSha256: read("SCRIPT_SHA256"),
    nodeKey: read("NODE_KEY"),
  };
}
