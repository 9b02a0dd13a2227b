/** What became of one POST. `detail` says it without the URL, which may be a secret. */
export interface Delivery {
  ok: boolean;
  detail?: string;
}

/** Posts once and never throws. Redirects are refused, and nothing of the answer but its status is read. */
export async function post(url: string, headers: Record<string, string>, body: string, timeoutMs: number): Promise<Delivery> {
  try {
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    if (response.ok) return { ok: true };
    return { ok: false, detail: response.status >= 300 && response.status < 400 ? `redirects (${response.status})` : `answers ${response.status}` };
  } catch (error) {
    return { ok: false, detail: why(error, timeoutMs) };
  }
}

function why(error: unknown, timeoutMs: number): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  return name === "TimeoutError" ? `no answer within ${timeoutMs / 1000} s` : (cause?.code ?? "cannot be reached");
}
