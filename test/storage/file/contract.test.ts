import { describe, it } from 'vitest'
import { fileStorage } from '../../../src/storage/file.js'
import { folder, useFolder } from '../../support/journal-folder.js'
import { storageContract } from 'crewlog/testing'

useFolder()

storageContract({
  name: 'file storage',
  describe,
  it,
  open: () => ({ storage: fileStorage(folder()), rival: fileStorage(folder()) }),
})
