import { survivesKills } from '../../support/torture/survives-kills.js'

for (const engine of ['libsql', 'postgres', 'mariadb']) await survivesKills(engine)
