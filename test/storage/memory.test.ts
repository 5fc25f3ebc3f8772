import { MemoryStorage } from 'crewlog'
import { storageContract } from 'crewlog/testing'
import { describe, it } from 'vitest'

storageContract({
  name: 'memory storage',
  describe,
  it,
  open: () => {
    const storage = new MemoryStorage()
    return { storage, rival: storage }
  },
})
