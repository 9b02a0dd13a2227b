import { UnreadableBody } from "../errors";

const nextStep = "Save the manifest to a file with its indentation and line breaks, and post it with `curl --data-binary @demo.yaml`.";

/**
 * Two ways in which a manifest is hurt on its way here leave YAML that is wrong in confusing ways; each gets its own sentence.
 * @throws UnreadableBody when line breaks (`curl -d @file`) or indentation (copied from a web page) are gone
 */
export function refuseMangledPaste(text: string): void {
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== "" && !/^\s*#/.test(line));
  if (lines.length === 1 && /^\s*(---)?\s*\w+:\s/.test(lines[0]!) && /apiVersion: .*kind: |kind: .*apiVersion: /.test(lines[0]!)) {
    throw new UnreadableBody("The manifest's line breaks were lost: `curl -d @file` strips them, `--data-binary` keeps them.", {
      nextStep,
    });
  }
  const flat = lines.findIndex((line, index) => isSection(line) && isChild(lines[index + 1], indent(line)));
  if (flat >= 0) {
    const child = lines[flat + 1]!.trim().split(":")[0];
    throw new UnreadableBody(
      `The manifest's indentation was lost: "${child}" stands beside "${lines[flat]!.trim()}" and belongs below it. Web pages do that to what is copied.`,
      { nextStep },
    );
  }
}

const indent = (line: string): number => line.length - line.trimStart().length;

/** A heading that has children in every kOps document. Inside values (nodes' labels, user data) it is indented more. */
const isSection = (line: string): boolean => /^ {0,2}(metadata|spec):\s*(#.*)?$/.test(line);

/** Names that may follow an empty `metadata:` or `spec:` at its own level; any other name there is a child that slid left. */
const SIBLINGS = new Set(["apiVersion", "kind", "metadata", "spec", "status"]);

function isChild(next: string | undefined, level: number): boolean {
  const key = /^\s*([A-Za-z][\w./-]*):(\s|$)/.exec(next ?? "")?.[1];
  return key !== undefined && !SIBLINGS.has(key) && indent(next!) <= level;
}
