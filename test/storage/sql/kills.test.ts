import { survivesKills } from '../../support/torture/survives-kills.js'

// Some processes are suspended for longer than a lease, while others go on with what they held: TL-15.
for (const engine of ['libsql', 'postgres', 'mariadb']) await survivesKills(engine)
