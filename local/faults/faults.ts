import { randomInt } from "node:crypto";
import { sourcesDigest } from "../deploy";
import { readManifest } from "../manifest";
import { startReceiver } from "../receiver";
import { type Case, casesOf, thinned } from "./cases";
import { groupSeconds, ownSeconds } from "./cpu";
import { openJournal } from "./journal";
import { type Life, casesIn, livesOf } from "./lives";
import { live } from "./live";
import { type FaultOptions, readFaultOptions } from "./options";
import { recordCalls } from "./record";
import { type Stack, startStack } from "./stack";
import { type Result, summaryLine, tableOf, troubleLines, unlookedLine } from "./table";

/** Seconds of processor time of one cluster, up and down, as measured on a 2-core machine; only the printed budget rests on it. */
const LIFE_SECONDS = 4.5;

interface Run {
  options: FaultOptions;
  stacks: Stack[];
  /** Digest of what is deployed on them. */
  sources: string;
  say(line: string): void;
  tell(result: Result): void;
}

/** Every life in turn, on whichever stack is free. Two cases of one cluster that is left over are each run again alone: one is to blame. */
async function runLives({ stacks, sources, options, say, tell }: Run, lives: Life[]): Promise<void> {
  const manifest = readManifest(options.manifest);
  const queue = [...lives];
  const began = Date.now();
  let number = 0;
  let ended = 0;
  const work = async (stack: Stack) => {
    for (let life = queue.shift(); life; life = queue.shift()) {
      const started = Date.now();
      const lived = await live(stack, manifest, life, `f${process.pid % 1000}-${number++}`);
      const seconds = (Date.now() - started) / 1000;
      const { up, down } = life;
      const blamed = up && down && lived.some(({ verdict }) => verdict.outcome === "leftover");
      if (blamed) queue.unshift({ up }, { down });
      else if (down && up && lived.length === 1) queue.unshift({ down });
      for (const one of blamed ? [] : lived) tell({ case: one.case, ...one.verdict, ...(one.failure && { failure: one.failure }), ...(one.hidden && { hidden: one.hidden }), seconds, sources });
      ended++;
      const left = (((Date.now() - began) / ended) * queue.length) / 60_000;
      say(`[${ended}/${ended + queue.length}, ${Math.ceil(left)} min left] ${seconds.toFixed(1)} s  ${blamed ? "again, one by one: " : ""}${casesIn(life).map(({ id }) => id).join("  +  ")}`);
    }
  };
  await Promise.all(stacks.map(work));
}

function chosen(cases: Case[], { cases: count, seed, only }: FaultOptions): Case[] {
  const named = only.length ? cases.filter(({ id }) => only.some((part) => id.includes(part))) : cases;
  return count === undefined ? named : thinned(named, count, seed);
}

/** Breaks every call, or those that the options choose. Answers whether nothing is left over and every fault was met. */
export async function runFaults(options: FaultOptions, say: (line: string) => void): Promise<Result[]> {
  const sources = sourcesDigest();
  const receiver = await startReceiver();
  const stacks: Stack[] = [];
  try {
    stacks.push(await startStack(`${process.pid}-1`, receiver, say));
    const calls = await recordCalls(stacks[0]!, readManifest(options.manifest));
    const all = casesOf(calls);
    const wanted = chosen(all, options);
    say(`${calls.length} calls, ${all.length} cases, ${wanted.length} chosen, seed ${options.seed}`);
    if (options.list) {
      for (const { id } of wanted) console.log(id);
      return [];
    }
    const journal = openJournal(sources, options);
    const done = new Set(journal.results.filter(({ outcome }) => outcome !== "not met").map((result) => result.case.id));
    const open = wanted.filter(({ id }) => !done.has(id));
    const lives = livesOf(open);
    const parallel = Math.min(options.parallel, lives.length);
    say(`budget: ${open.length} cases in ${lives.length} clusters on ${parallel} stacks, ${Math.ceil((lives.length * LIFE_SECONDS) / 60)} minutes of one core; journal ${journal.path}`);
    while (stacks.length < parallel) stacks.push(await startStack(`${process.pid}-${stacks.length + 1}`, receiver, say));
    const used = () => groupSeconds(stacks.flatMap(({ emulators }) => emulators.groups)) + ownSeconds();
    const before = used();
    const tell = (result: Result) => {
      journal.add(result);
      if (options.json) console.log(JSON.stringify(result));
      else if (result.outcome === "leftover" || result.outcome === "not met") say(`  ${result.outcome}  ${result.case.id}: ${result.why ?? ""} ${result.failure ?? ""}`);
    };
    await runLives({ options, stacks, sources, say, tell }, lives);
    if (lives.length) say(`${((used() - before) / lives.length).toFixed(1)} s of processor time a cluster, ${((used() - before) / open.length).toFixed(1)} s a case`);
    const earlier = journal.results.filter((result) => result.sources !== sources).length;
    if (earlier) say(`${earlier} cases were run over earlier sources`);
    const ids = new Set(wanted.map(({ id }) => id));
    return journal.results.filter((result) => ids.has(result.case.id));
  } finally {
    await Promise.all(stacks.map((stack) => stack.stop()));
    await receiver.stop();
  }
}

async function main(): Promise<void> {
  const options = readFaultOptions(process.argv.slice(2), () => randomInt(1_000_000));
  const began = Date.now();
  const say = (line: string) => console.error(`+${((Date.now() - began) / 1000).toFixed(0)}s  ${line}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(signal === "SIGINT" ? 130 : 143));
  const results = await runFaults(options, say);
  if (options.list) return;
  for (const line of [...tableOf(results), ...troubleLines(results), unlookedLine(results), summaryLine(results)]) console.log(line);
  process.exitCode = results.every(({ outcome }) => outcome === "ready" || outcome === "failed and gone") ? 0 : 1;
}

if (require.main === module)
  main().catch((error: Error) => {
    console.error(error.stack);
    process.exitCode = 1;
  });
