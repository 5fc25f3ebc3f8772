import { describe, it } from 'vitest'
import { MemoryStorage } from '../../src/core/journal/memory-storage.js'
import { storageContract } from 'crewlog/testing'

storageContract({
  name: 'memory storage',
  describe,
  it,
  open: () => {
    const storage = new MemoryStorage()
    return { storage, rival: storage }
  },
})
