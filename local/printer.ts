import { type Happening, renderChecks, renderHappening } from "./timeline";

/** How a demo shows itself. */
export interface Printer {
  line(text: string): void;
  happening(happening: Happening): void;
  checks(title: string, checks: { check: string; status: string; message: string }[]): void;
  slack(lines: string[]): void;
  json(value: object): void;
}

/** People read lines, coloured on a terminal; with `--json` programs read one object a line. */
export function printer(json: boolean, colour: boolean): Printer {
  const nothing = () => {};
  const object = (value: object) => console.log(JSON.stringify(value));
  if (json) return { line: nothing, happening: object, checks: nothing, slack: nothing, json: object };
  return {
    line: (text) => console.log(text),
    happening: (happening) => console.log(renderHappening(happening, colour)),
    checks: (title, checks) => console.log([title, ...renderChecks(checks, colour)].join("\n")),
    slack: (lines) => console.log(["\nSlack was told:", ...lines.map((line) => `  | ${line}`)].join("\n")),
    json: nothing,
  };
}
