import { fileStorage } from 'crewlog/storage/file'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../engines.js'

/** A place is a folder. */
export const file: Engine = {
  name: 'file',
  make: () => mkdtemp(join(tmpdir(), 'crewlog-')),
  connect: async (place) => ({ storage: fileStorage(place), close: () => Promise.resolve() }),
  remove: (place) => rm(place, { recursive: true }),
}
