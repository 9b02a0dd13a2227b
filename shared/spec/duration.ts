/** `90m`, `4h`, `1h30m`: hours and minutes, as Go and Kubernetes write them. Seconds, or undefined where it is none. */
export function readDuration(text: string): number | undefined {
  const match = /^(?:(\d{1,4})h)?(?:(\d{1,5})m)?$/.exec(text.trim());
  if (!match || (!match[1] && !match[2])) return undefined;
  return Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60;
}
