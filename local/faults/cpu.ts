import { readFileSync, readdirSync } from "node:fs";

const TICKS = 100;

/** Seconds of processor time that process groups have used, ended children included as far as their parents waited; 0 where there is no /proc. */
export function groupSeconds(groups: number[]): number {
  let ticks = 0;
  for (const pid of processes()) {
    const fields = statOf(pid);
    // Fields of proc_pid_stat(5) from the third on: 2 is pgrp, 11 to 14 utime, stime, cutime, cstime.
    if (fields && groups.includes(Number(fields[2]))) for (const at of [11, 12, 13, 14]) ticks += Number(fields[at]);
  }
  return ticks / TICKS;
}

function processes(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function statOf(pid: string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

export const ownSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
