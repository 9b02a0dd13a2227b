import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { lintTool } from "../../../local/python";
import { renderScript, renderScripts } from "../../../shared/bootstrap/render-script";
import { renderUserData } from "../../../shared/bootstrap/user-data";
import { caseFolders } from "../case-folders";
import { planOf } from "./sample-plan";

const folder = join(__dirname, "../../../shared/bootstrap/node");
const shellcheck = (args: string[], input?: string) => spawnSync(lintTool("shellcheck"), args, { encoding: "utf8", cwd: folder, input });
/** What only a whole script shows: sourced files that are on the node alone, and words with quotes from a plan. */
const rendered = ["--shell=bash", "--exclude=SC1091", "-"];

test.each(readdirSync(folder).filter((file) => file.endsWith(".sh")))(
  "shellcheck finds nothing in %s",
  (file) => {
    expect(shellcheck(["--external-sources", file]).stdout).toBe("");
  },
  120_000,
);

test.each(caseFolders)(
  "shellcheck finds nothing in what %s renders",
  (name) => {
    const plan = planOf(name);
    const texts = [
      ...renderScripts(plan).map(({ body }) => body),
      renderUserData(plan, plan.instances[0]!, renderScript(plan, "control-plane")),
    ];
    for (const text of texts) expect(shellcheck(rendered, text).stdout).toBe("");
  },
  120_000,
);

test("shellcheck would find something", () => {
  expect(shellcheck(rendered, "#!/bin/bash\nrm $1\n").stdout).toContain("SC2086");
});
