import { type Document, type ParsedNode, parseAllDocuments } from "yaml";
import { BodyTooLarge, InvalidManifest, type Problem, UnreadableBody } from "../errors";
import { refuseMangledPaste } from "./mangled-paste";
import { isMapping } from "./mapping";

const LIMIT = 262_144;
/** Deeper than any kOps document; bounds the recursion of everything that walks one. */
const DEEPEST = 32;
const WIDEST = 1000;
/** How often aliases may be repeated in all, counted as they expand. */
const ALIASES = 100;

/**
 * Reads kOps documents out of a request body: YAML 1.2 (core schema) or JSON; one object, a list of them, or `items` of a List.
 * @throws BodyTooLarge over 256 KB of UTF-8
 * @throws UnreadableBody where there is nothing to read, or reading it would be unsafe or a guess
 * @throws InvalidManifest for each syntax error with line and column, and each document that is no mapping
 */
export function readDocuments(body: string): Record<string, unknown>[] {
  const bytes = Buffer.byteLength(body);
  if (bytes > LIMIT) throw new BodyTooLarge(`The body has ${bytes} bytes; at most ${LIMIT} (256 KB) are read.`);
  const text = body.replace(/^\uFEFF/, "");
  if (text.trim() === "") throw unreadable("The body is empty.");
  refuseMangledPaste(text);
  const parsed = parse(text);
  if (tooDeep(parsed)) throw tooDeepToRead();
  if (tooWide(parsed)) throw unreadable(`A mapping or list of the manifest has over ${WIDEST} entries; no kOps document has.`);
  const values = parsed.flatMap(listed);
  if (values.length === 0) throw unreadable("The body has no document.");
  const problems = values.flatMap((value, index) =>
    isMapping(value) ? [] : [{ path: `documents[${index}]`, message: "must be a mapping with apiVersion, kind, metadata and spec" }],
  );
  if (problems.length > 0) throw new InvalidManifest(problems);
  return values as Record<string, unknown>[];
}

const unreadable = (message: string): UnreadableBody =>
  new UnreadableBody(message, { nextStep: "Post a file as it stands with `curl --data-binary @demo.yaml`." });

const tooDeepToRead = (): UnreadableBody => unreadable(`The manifest is nested deeper than ${DEEPEST} levels; no kOps document is.`);

/** JSON is read as the YAML that it also is, so that duplicate keys are found and errors carry line and column. */
function parse(text: string): unknown[] {
  refuseBracketTowers(text);
  const documents = parseAllDocuments(text, { schema: "core", uniqueKeys: true }) as Document.Parsed<ParsedNode>[];
  const problems = documents.flatMap((document) => syntaxProblems(document, text));
  if (problems.length > 0) throw new InvalidManifest(problems);
  return documents.map(expand).filter((value) => value !== null);
}

/** Before parsing, which takes seconds and runs out of stack on a body of brackets. Brackets inside strings count, generously. */
function refuseBracketTowers(text: string): void {
  let depth = 0;
  for (const character of text) {
    if (character === "[" || character === "{") depth += 1;
    else if (depth > 0 && (character === "]" || character === "}")) depth -= 1;
    if (depth > 10 * DEEPEST) throw tooDeepToRead();
  }
  if (new RegExp(`(- +){${DEEPEST},}\\S`).test(text)) throw tooDeepToRead();
}

function expand(document: Document.Parsed<ParsedNode>): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError || error instanceof RangeError)) throw error;
    throw unreadable(
      `The manifest's YAML aliases (*name) repeat themselves over ${ALIASES} times, or lead in a circle: write the values out.`,
    );
  }
}

/** The first error of a document, since it makes the others; keys that are there twice are all told. */
function syntaxProblems(document: Document.Parsed<ParsedNode>, text: string): Problem[] {
  const errors = [...document.errors, ...document.warnings];
  const told = errors[0]?.code === "DUPLICATE_KEY" ? errors.filter(({ code }) => code === "DUPLICATE_KEY") : errors.slice(0, 1);
  return told.map(({ code, message, linePos }) => {
    const { line, col } = linePos?.[0] ?? { line: 1, col: 1 };
    const key = /^["']?([\w./-]{1,60})/.exec(text.split("\n")[line - 1]?.slice(col - 1) ?? "")?.[1];
    const duplicate = `${key ?? "a key"} is there twice in its mapping: leave one`;
    return { path: `line ${line}, column ${col}`, message: code === "DUPLICATE_KEY" ? duplicate : firstLine(message) };
  });
}

/** The parser's own sentence without its drawing of the place. */
const firstLine = (message: string): string => message.split("\n")[0]!.replace(/ at line \d+, column \d+:?$/, "");

function listed(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(listed);
  const isList = isMapping(value) && Array.isArray(value["items"]) && (value["kind"] === undefined || /List$/.test(String(value["kind"])));
  return isList ? (value["items"] as unknown[]).flatMap(listed) : [value];
}

function tooDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth > DEEPEST || Object.values(value).some((child) => tooDeep(child, depth + 1));
}

function tooWide(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const children = Object.values(value);
  return children.length > WIDEST || children.some(tooWide);
}
