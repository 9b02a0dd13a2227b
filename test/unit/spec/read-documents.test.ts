import { BodyTooLarge, InvalidManifest, UnreadableBody } from "../../../shared/errors";
import { readDocuments } from "../../../shared/spec/read-documents";
import { caseFile, type Loose } from "./manifests";

const refusal = (body: string): Loose => {
  try {
    return readDocuments(body);
  } catch (error) {
    return error;
  }
};

test.each([
  ["one YAML document", "kind: Cluster\n"],
  ["a byte order mark and Windows line ends", "\uFEFFkind: Cluster\r\n"],
  ["empty documents around it", "---\n---\nkind: Cluster\n---\n"],
  ["a JSON object", '{"kind": "Cluster"}'],
  ["a JSON list", '[{"kind": "Cluster"}]'],
  ["items alone", '{"items": [{"kind": "Cluster"}]}'],
  ["a List of Lists", '{"kind": "List", "items": [{"kind": "ClusterList", "items": [{"kind": "Cluster"}]}]}'],
])("reads %s", (_, body) => {
  expect(readDocuments(body)).toEqual([{ kind: "Cluster" }]);
});

test("takes 256 KB of UTF-8 and not a byte more", () => {
  const body = `kind: "${"ü".repeat((262_144 - 8) / 2)}"`;

  expect(readDocuments(body)).toHaveLength(1);
  expect(() => readDocuments(`${body}\n`)).toThrow(BodyTooLarge);
});

test.each([
  ["nothing", "", /empty/],
  ["white space", " \n\n", /empty/],
  ["comments alone", "# kind: Cluster\n---\n", /no document/],
  ["a tower of brackets", "[".repeat(200_000), /nested deeper than 32/],
  ["a tower of list items", `${"- ".repeat(100_000)}1`, /nested deeper than 32/],
  ["a deep mapping", `${"{a: ".repeat(40)}1${"}".repeat(40)}`, /nested deeper than 32/],
  ["an alias inside itself", "kind: Cluster\nspec: &a\n  more: [*a, *a]\n", /aliases|nested/],
])("refuses %s with a sentence", (_, body, sentence) => {
  const error = refusal(body);

  expect(error).toBeInstanceOf(UnreadableBody);
  expect(error.message).toMatch(sentence);
});

test("reads an alias that is only a convenience", () => {
  expect(readDocuments("a: &access [0.0.0.0/0]\nb: *access\n")).toEqual([{ a: ["0.0.0.0/0"], b: ["0.0.0.0/0"] }]);
});

test("gives line and column of each document's first error, and of each key that is there twice", () => {
  const error = refusal("a: 1\nb: 2\na: 3\nb: 4\n---\nc: [1\n---\nd: !tag 1\n");

  expect(error).toBeInstanceOf(InvalidManifest);
  expect(error.problems).toEqual([
    { path: "line 3, column 1", message: "a is there twice in its mapping: leave one" },
    { path: "line 4, column 1", message: "b is there twice in its mapping: leave one" },
    { path: expect.stringMatching(/^line [67], column \d+$/), message: expect.stringMatching(/end with a ]/) },
    { path: expect.stringMatching(/^line 8/), message: expect.stringMatching(/tag/) },
  ]);
});

test("finds a key that is there twice in JSON too", () => {
  expect(refusal('{"spec": {"channel": "a",\n "channel": "b"}}').problems).toEqual([
    { path: "line 2, column 2", message: "channel is there twice in its mapping: leave one" },
  ]);
});

test("names every document that is no mapping", () => {
  expect(refusal("kind: Cluster\n---\nhello\n---\n- 5\n").problems.map(({ path }: Loose) => path)).toEqual([
    "documents[1]",
    "documents[2]",
  ]);
});

test.each([
  ["from the left edge", (text: string) => text.replace(/^ +/gm, "")],
  ["under spec alone", (text: string) => text.replace(/^spec:\n {2}/m, "spec:\n")],
  ["with comments between", (text: string) => text.replace(/^ +/gm, "").replace("spec:\n", "spec: # all\n\n# api\n")],
])("says that indentation was lost %s", (_, hurt) => {
  const error = refusal(hurt(caseFile("seed/manifest.yaml")));

  expect(error).toBeInstanceOf(UnreadableBody);
  expect(error.message).toContain("indentation was lost");
  expect(error.nextStep).toContain("--data-binary @");
});

test("does not take an empty spec for lost indentation", () => {
  expect(readDocuments("apiVersion: v1\nspec:\nkind: Cluster\nmetadata:\nstatus: {}\n")).toHaveLength(1);
});

test("says that line breaks were lost to curl -d", () => {
  expect(refusal(caseFile("twin/manifest.yaml").replaceAll("\n", "")).message).toContain("--data-binary");
});
