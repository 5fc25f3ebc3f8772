import { setTimeout as wait } from 'node:timers/promises'

/** Lets `ms` pass, or ends with the signal. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms > 0) await wait(ms, undefined, signal && { signal })
}
