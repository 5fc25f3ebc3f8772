import { keepsContract } from '../../support/engines.js'
import { file } from '../../support/engines/file.js'

await keepsContract(file)
