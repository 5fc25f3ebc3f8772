import { createHash } from 'node:crypto'

/** A number from 0 to 1 that looks like chance, and is the same for the same `what` in every run. */
export const chance = (what: string): number => createHash('sha256').update(what).digest().readUInt32BE() / 2 ** 32
